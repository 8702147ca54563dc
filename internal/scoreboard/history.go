package scoreboard

// History keeps a slot's counters through the deaths of its workers, so that
// what is shown outside only ever grows. The zero value is empty; it is not for several goroutines at once.
type History struct {
	counters Counters
	latency  Histogram
}

// Fold adds what a dead worker had counted. Requests that were under way when
// it died count as lost. Fold each worker once, and stop adding its board to the totals then.
func (h *History) Fold(last Snapshot, latency *Histogram) {
	last.Counters.Lost += uint64(max(last.InFlight, 0))
	h.counters = h.counters.Plus(last.Counters)
	h.latency.Merge(latency)
}

// Counters of all workers folded so far and of the live ones given.
func (h *History) Counters(live ...Snapshot) Counters {
	sum := h.counters
	for _, s := range live {
		sum = sum.Plus(s.Counters)
	}
	return sum
}

// Latency of all workers folded so far; a copy.
func (h *History) Latency() *Histogram {
	latency := h.latency
	return &latency
}
