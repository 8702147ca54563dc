package metrics

import (
	"strconv"
	"strings"

	"github.com/webchasor/webchasor/internal/control"
)

// The values of labels whose other values are shown as 0.
var (
	healthStates = []control.HealthState{control.HealthOK, control.HealthDegraded, control.HealthDown}
	phases       = []control.Phase{
		control.PhaseStarting, control.PhaseServing, control.PhaseReloading, control.PhaseRollback,
		control.PhaseUpgrading, control.PhaseParked, control.PhaseStopping,
	}
	states = []control.WorkerState{
		control.StateBooting, control.StateReady, control.StateSuspect, control.StateHung, control.StateFull,
		control.StateDraining, control.StateAborting, control.StateKilled, control.StateAbsent,
	}
)

// status is what the master says about the whole.
func (c collector) status(b *batch, s *control.Status) {
	b.gauge(masterStart, float64(s.Started.UnixNano())/1e9)
	b.gauge(generation, float64(s.Generation))
	b.gauge(wanted, float64(s.Wanted))
	b.gauge(ready, float64(s.Ready))
	b.gauge(orphans, float64(len(s.Orphans)))
	b.gauge(warnings, float64(len(s.Warnings)))
	refused := 0
	for _, p := range s.Poisoned {
		if p.Quarantined {
			refused++
		}
	}
	b.gauge(poisoned, float64(refused), "true")
	b.gauge(poisoned, float64(len(s.Poisoned)-refused), "false")
	for _, one := range s.Certificates {
		file, subject := readable(one.File), readable(one.Subject)
		b.gauge(certBegin, float64(one.Begins.Unix()), file, subject)
		b.gauge(certExpiry, float64(one.Expires.Unix()), file, subject)
	}
	for _, h := range healthStates {
		b.gauge(healthy, flag(s.Health.State == h), string(h))
	}
	for _, p := range phases {
		b.gauge(phase, flag(s.Phase == p), string(p))
	}
	b.counter(overflows, float64(s.Overflows))
	for _, l := range s.Listeners {
		if l.Depth < 0 {
			continue // this kind of socket cannot be asked
		}
		b.gauge(listenDepth, float64(l.Depth), l.Address)
		b.gauge(listenDeepest, float64(l.Deepest), l.Address)
		b.gauge(listenLimit, float64(l.Backlog), l.Address)
	}
	for _, l := range s.Limits {
		b.gauge(limitInUse, float64(l.InUse), l.Name)
		b.gauge(limitMax, float64(l.Max), l.Name)
		b.gauge(limitWaiting, float64(l.Waiting), l.Name)
		b.gauge(limitQueue, float64(l.MaxQueue), l.Name)
	}
	for _, u := range s.Upstreams {
		b.gauge(upstreamInFlight, float64(u.InFlight), u.Name)
		b.gauge(upstreamWorkers, float64(u.Workers), u.Name)
		b.gauge(upstreamEjected, float64(u.Ejected), u.Name)
	}
}

// readable is text as the value of a label: a path or an old certificate may hold
// anything, and one bad byte would spoil the whole scrape.
func readable(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// workers are the gauges of every slot. While a worker is replaced, a slot has two: what they
// hold is added up, who they are is the first one's, who serves.
func (c collector) workers(b *batch, s *control.Status) {
	for begin := 0; begin < len(s.Workers); {
		end := begin + 1
		for end < len(s.Workers) && s.Workers[end].Slot == s.Workers[begin].Slot {
			end++
		}
		c.slot(b, s.Workers[begin:end])
		begin = end
	}
}

func (c collector) slot(b *batch, all []control.Worker) {
	first := all[0]
	slot := strconv.Itoa(first.Slot)
	sum := first
	for i, w := range all {
		if i > 0 {
			sum.Connections += w.Connections
			sum.InFlight += w.InFlight
			sum.Streams += w.Streams
			sum.Oldest = max(sum.Oldest, w.Oldest)
		}
	}
	for _, st := range states {
		b.gauge(state, flag(first.State == st), slot, string(st))
	}
	b.gauge(workerGen, float64(first.Generation), slot)
	b.gauge(age, float64(first.Age), slot)
	b.gauge(heartbeat, float64(first.Heartbeat), slot)
	b.gauge(connections, float64(sum.Connections), slot)
	b.gauge(capacity, float64(first.Capacity), slot)
	b.gauge(inFlight, float64(sum.InFlight), slot)
	b.gauge(streams, float64(sum.Streams), slot)
	b.gauge(oldest, float64(sum.Oldest), slot)
	if weight, known := c.weight(all); known {
		b.gauge(memory, float64(weight), slot)
	}
	if first.Queue >= 0 {
		b.gauge(queue, float64(first.Queue), slot)
	}
}

// weight is the memory of a slot's workers. Half of it would look like a worker that has
// shrunk, and 0 like none, so it is known only if all of them were weighed.
func (c collector) weight(all []control.Worker) (sum int64, known bool) {
	for _, w := range all {
		if !weighable(w) {
			continue
		}
		one := c.src.Memory(w.PID)
		if one == 0 {
			return 0, false
		}
		sum += one
		known = true
	}
	return sum, known
}
