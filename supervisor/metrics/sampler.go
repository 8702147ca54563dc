package metrics

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/ledger"
)

// Sampler keeps the picture of the last minutes: a sample a second in the
// ledger, and the memory of every worker, which the kernel is slow to tell.
type Sampler struct {
	Ledger *ledger.Ledger
	Status func(context.Context) (control.Status, error)
	Weigh  func(pid int) int64 // reads the memory; may take long

	mu      sync.Mutex
	weights map[int]int64
}

const (
	sampleEvery = time.Second
	weighEvery  = 10 * time.Second
)

// Run samples until stop is closed.
func (s *Sampler) Run(stop <-chan struct{}) {
	var weighing sync.WaitGroup
	defer weighing.Wait()
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	before, weighed := s.totals(), time.Time{}
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), sampleEvery)
		status, err := s.Status(ctx)
		cancel()
		now := s.totals()
		s.Ledger.Record(sampleOf(&before, &now, &status))
		before = now
		all := now.at.Sub(weighed) >= weighEvery
		if err != nil || !all && !s.strange(status.Workers) {
			continue
		}
		if all {
			weighed = now.at
		}
		weighing.Wait() // it takes far less than sampleEvery
		weighing.Go(func() { s.weigh(status.Workers, all) })
	}
}

// Memory is what a process weighed at the last look; 0 if it was not seen yet.
func (s *Sampler) Memory(pid int) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.weights[pid]
}

// strange says that a worker which has got ready was never weighed: that is not
// put off until the others' turn. While it boots its weight says little.
func (s *Sampler) strange(workers []control.Worker) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(workers, func(w control.Worker) bool { return weighable(w) && s.weights[w.PID] == 0 })
}

func weighable(w control.Worker) bool { return w.PID != 0 && w.State != control.StateBooting }

// weigh reads the memory of all workers, or only of those that were not weighed yet.
func (s *Sampler) weigh(workers []control.Worker, all bool) {
	weights := make(map[int]int64, len(workers))
	for _, w := range workers {
		if !weighable(w) {
			continue
		}
		known := s.Memory(w.PID)
		if all || known == 0 {
			known = s.Weigh(w.PID)
		}
		weights[w.PID] = known
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.weights = weights
}

// totals are the sums of all slots at one moment.
type totals struct {
	at      time.Time
	latency ledger.Latency
	errors  uint64
}

func (s *Sampler) totals() totals {
	t := totals{at: time.Now()}
	for _, slot := range s.Ledger.Used() {
		slot.Series(func(_, class int, one *ledger.Series) {
			before := t.latency.Count
			t.latency.Add(one)
			if class == 0 || class == 5 {
				t.errors += t.latency.Count - before
			}
		})
	}
	return t
}

// sampleOf is what happened between two moments, with the gauges of the status.
func sampleOf(before, now *totals, status *control.Status) ledger.Sample {
	over := now.at.Sub(before.at).Seconds()
	late := now.latency.Since(&before.latency)
	sample := ledger.Sample{
		Time:     now.at,
		Requests: float64(late.Count) / over,
		Errors:   float64(now.errors-min(before.errors, now.errors)) / over,
		P50:      late.Quantile(0.5), P95: late.Quantile(0.95), P99: late.Quantile(0.99),
		Connections: status.Totals.Connections, InFlight: status.Totals.InFlight, Ready: status.Ready,
	}
	for _, l := range status.Listeners {
		sample.Queue += max(l.Depth, 0)
	}
	for _, l := range status.Limits {
		sample.Permits = max(sample.Permits, l.InUse) // a request may hold one of each
		sample.Waiting += l.Waiting
	}
	return sample
}
