package supervisor

import (
	"os"
	"time"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// status is the service at this moment: a copy, made without asking a worker.
// Memory is missing, because the kernel may take its time to tell it.
func (m *master) status(now time.Time) control.Status {
	view := m.fleet.View()
	s := control.Status{
		API: control.Version, Time: now, Name: m.name, Version: m.version,
		PID: os.Getpid(), Started: m.started, Uptime: control.Sec(now.Sub(m.started)),
		Upgrades: m.promotion.count, Binary: m.binary, Config: m.current.File,
		Phase: m.phase(view), Generation: uint64(view.Generation),
		Wanted: m.wanted(view), Ready: view.Ready,
		Listeners: m.listeners(),
		Limits:    m.limits(), Upstreams: m.upstreams(m.clock.Now()), Share: m.share.status(),
		Reload: m.lastReload, Upgrade: m.promotion.last,
		Seq: m.journal.Seq(),
	}
	for _, row := range m.current.Rows() {
		s.Settings = append(s.Settings, control.Setting{Name: row.Name, Value: row.Value, Origin: row.Origin.String()})
	}
	for _, o := range m.orphans {
		s.Orphans = append(s.Orphans, control.Orphan{
			PID: o.PID, Slot: o.Slot, Generation: o.Generation, Upgrades: o.Upgrades, Deadline: o.deadline,
		})
	}
	s.Machine = control.Machine{CPUs: m.facts.CPUs, Memory: m.facts.Memory}
	m.statusWorkers(&s, view, now)
	m.statusTotals(&s, now)
	s.Overflows, _ = sys.ListenOverflows()
	s.Health = healthOf(&s)
	s.Poisoned = m.poisoned(now)
	s.Certificates = m.certificates()
	s.Warnings = append(m.warnings(&s, view, now), warnPoisoned(s.Poisoned)...)
	return s
}

// phase adds what the core does not know of.
func (m *master) phase(v fleet.View) control.Phase {
	switch {
	case m.stopping || v.Phase == fleet.PhaseStopping || v.Phase == fleet.PhaseExited:
		return control.PhaseStopping
	case m.upgrading:
		return control.PhaseUpgrading
	case m.tx.phase != txIdle || v.Phase == fleet.PhaseReloading:
		return control.PhaseReloading
	case v.Phase == fleet.PhaseRollback:
		return control.PhaseRollback
	case v.Phase == fleet.PhaseParked:
		return control.PhaseParked
	case v.Phase == fleet.PhaseServing:
		return control.PhaseServing
	}
	return control.PhaseStarting
}

// wanted is how many workers there should be.
func (m *master) wanted(v fleet.View) int {
	if v.Phase == fleet.PhaseNew {
		return m.current.Settings.Workers
	}
	return len(v.Slots)
}

// listeners reads the accept queues.
func (m *master) listeners() []control.Listener {
	all := make([]control.Listener, 0, len(m.sockets))
	for i := range m.sockets {
		s := &m.sockets[i]
		l := control.Listener{Address: s.Address, Sharded: s.Sharded}
		for _, fd := range s.FDs {
			depth, limit, err := sys.QueueDepth(fd)
			if err != nil {
				l.Depth, l.Deepest, l.Backlog = -1, -1, m.current.Settings.Backlog
				break
			}
			l.Depth += depth
			l.Deepest, l.Backlog = max(l.Deepest, depth), limit
		}
		all = append(all, l)
	}
	return all
}

// statusWorkers lists the workers by slot: who serves, who follows, who leaves.
func (m *master) statusWorkers(s *control.Status, view fleet.View, now time.Time) {
	s.Workers = []control.Worker{}
	bySlot := make(map[int][]fleet.WorkerView)
	for _, w := range view.Leaving {
		bySlot[w.Slot] = append(bySlot[w.Slot], w)
	}
	add := func(w *fleet.WorkerView) {
		if w != nil {
			if c := m.children[w.ID]; c != nil {
				s.Workers = append(s.Workers, m.worker(c, w, now))
			}
		}
	}
	leaving := func(slot int) {
		for i := range bySlot[slot] {
			add(&bySlot[slot][i])
		}
		delete(bySlot, slot)
	}
	slotOf := make(map[fleet.ID]int)
	for _, slot := range view.Slots {
		if slot.Current == nil && slot.Successor == nil {
			s.Workers = append(s.Workers, m.absent(slot))
		}
		for _, w := range []*fleet.WorkerView{slot.Current, slot.Successor} {
			add(w)
			if w != nil {
				slotOf[w.ID] = slot.Index
			}
		}
		leaving(slot.Index)
	}
	for _, w := range view.Leaving { // of slots that are no more
		leaving(w.Slot)
	}
	for _, p := range view.Replacing {
		s.Replacing = append(s.Replacing, control.Replacement{Slot: slotOf[p.ID], Reason: string(p.Reason), Active: p.Active})
	}
}

// absent is a slot without a process.
func (m *master) absent(slot fleet.SlotView) control.Worker {
	w := control.Worker{
		Slot: slot.Index, Generation: uint64(slot.Generation),
		State: control.StateAbsent, Queue: m.slotQueue(slot.Index),
	}
	m.past(&w)
	return w
}

// past adds what a slot has been through.
func (m *master) past(w *control.Worker) {
	w.LastDeath = m.lastDeaths[w.Slot]
	if slot, err := m.ledger.Slot(w.Slot); err == nil {
		for _, n := range slot.Counts().Deaths {
			w.Restarts += n
		}
	}
}

// slotQueue is how many connections wait for this slot alone; -1 if it shares its sockets.
func (m *master) slotQueue(slot int) int {
	if slot >= m.slots() {
		return -1
	}
	return m.queued(slot)
}

// worker is one process.
func (m *master) worker(c *child, v *fleet.WorkerView, now time.Time) control.Worker {
	snap := c.board.Snapshot()
	late := c.window.until(markOf(c, now))
	w := control.Worker{
		Slot: c.slot, PID: c.pid, Generation: uint64(c.generation),
		Reason: string(v.Reason), Age: control.Sec(now.Sub(c.started)),
		Connections: snap.Connections, Capacity: m.settingsOf(c.generation).WorkerConnections,
		InFlight: snap.InFlight, Streams: snap.Streams, Queue: m.slotQueue(c.slot),
		MaxRequests: c.maxRequests,
		CPU:         100 * per(late.cpu.Seconds(), late.over), CPUTime: control.Sec(late.total),
		Traffic: trafficOf(snap.Counters, late),
	}
	if !c.ready.IsZero() {
		w.Ready = control.Sec(now.Sub(c.ready))
	}
	if snap.Beat > 0 {
		w.Heartbeat = control.Sec(max(now.Sub(m.clock.At(snap.Beat)), 0))
	}
	if snap.InFlight > 0 {
		oldest, quiet := c.board.Extremes(m.clock.Now())
		w.Oldest, w.Quiet = control.Sec(oldest), control.Sec(quiet)
	}
	w.State = stateOf(v, &w)
	m.past(&w)
	return w
}

func trafficOf(n scoreboard.Counters, late lately) control.Traffic {
	return control.Traffic{
		Requests: n.Requests(), ByClass: n.ByClass, BytesOut: n.BytesOut,
		Timeouts: n.Timeouts, Panics: n.Panics, Lost: n.Lost,
		Rate: per(float64(late.count), late.over), Window: control.Sec(late.over), Recent: late.latency.Count(),
		P50: control.Sec(late.latency.Quantile(0.5)), P95: control.Sec(late.latency.Quantile(0.95)), P99: control.Sec(late.latency.Quantile(0.99)),
		RecentErrors: late.errors, ErrorShare: share(late.errors, late.count),
	}
}

// stateOf joins the core's state with what the heartbeat and the load say.
func stateOf(v *fleet.WorkerView, w *control.Worker) control.WorkerState {
	switch {
	case v.State != fleet.StateReady:
		return control.WorkerState(v.State)
	case v.Liveness == fleet.Hung:
		return control.StateHung
	case v.Liveness == fleet.Suspect:
		return control.StateSuspect
	case w.Connections >= w.Capacity:
		return control.StateFull
	}
	return control.StateReady
}

// statusTotals sums the workers up. What was served comes from the ledger, which
// outlives workers, masters and upgrades.
func (m *master) statusTotals(s *control.Status, now time.Time) {
	for i := range s.Workers {
		w := &s.Workers[i]
		s.Totals.Connections += w.Connections
		s.Totals.InFlight += w.InFlight
		s.Totals.Streams += w.Streams
		if w.State == control.StateReady || w.State == control.StateFull {
			s.Totals.Capacity += w.Capacity
		}
	}
	t := m.tally(now)
	causes := m.ledger.Causes()
	s.Totals.Traffic = m.tallies.traffic(&t)
	s.Totals.Restarts = t.restarts(causes, &tally{})
	s.Recent = m.tallies.recent(&t, causes)
}
