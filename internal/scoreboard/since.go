package scoreboard

// Since is what was counted after an earlier copy of the same histogram was
// made; a new copy. Counts that went backwards, which only a board that was
// scribbled over can show, are taken as none.
func (h *Histogram) Since(earlier *Histogram) *Histogram {
	var diff Histogram
	for i, n := range h.counts {
		if was := earlier.counts[i]; n > was {
			diff.counts[i] = n - was
		}
	}
	diff.sum = max(h.sum-earlier.sum, 0)
	return &diff
}
