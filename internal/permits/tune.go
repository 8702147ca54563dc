package permits

// The adaptive limit follows what the upstreams bear: it grows by one for twice as many
// good answers as it is large, and shrinks by a quarter when they say that it is too
// much (AIMD, the way of TCP). It replaces the configured limit of LLM calls and is
// never above it. It is kept where the calls are counted: in the row of a process
// that counts for itself, else once for all, so it survives every process.
//
// After a cut as many answers as the limit is large have to come before the next one: they
// are of calls that were sent before it and say nothing about it. No clock has a
// part in it, because calls take from milliseconds to minutes.
const (
	tuneScale = 1000 // a limit is kept in thousandths
	tuneCut   = 4    // a cut takes one part of so many
	tuneGrow  = 2    // so many rounds of good answers give one
)

// tuning is the state of one adaptive limit.
type tuning struct {
	value word // thousandths; 0 is the configured limit
	heard word // answers since the latest cut
}

// tune returns the limit after an answer, in thousandths.
func tune(value, floor, ceiling uint64, busy, crowded bool) uint64 {
	low, high := min(floor, ceiling)*tuneScale, ceiling*tuneScale
	if value == 0 || value > high {
		value = high
	}
	value = max(value, low, 1)
	switch {
	case crowded:
		return max(value-value/tuneCut, low)
	case busy: // else nothing was learned: the limit was not tried
		return min(value+tuneScale*tuneScale/(tuneGrow*value), high)
	}
	return value
}

func (p *Place) tuning() *tuning {
	if p.host {
		return &p.board.head.tuning
	}
	return &p.board.rows[p.seat.Row].tuning
}

// Adaptive says whether the limit of LLM calls is.
func (p *Place) Adaptive() bool { return p.board.head.floor.Load() != 0 }

// Heard tells how an upstream took an LLM call: crowded, if it said that there are
// too many, or was too slow to say so. It does nothing unless the limit is adaptive.
func (p *Place) Heard(crowded bool) {
	floor := p.board.head.floor.Load()
	if floor == 0 {
		return
	}
	var taken uint64
	if p.host {
		taken = countOf(p.board.cells[LLM].total.Load())
	} else {
		_, taken = p.ownCount(LLM)
	}
	t := p.tuning()
	heard := t.heard.Add(1)
	if crowded {
		value := t.value.Load()
		if value != 0 && heard*tuneScale <= value || !t.heard.CompareAndSwap(heard, 0) {
			return // too early, or somebody else answers at this moment
		}
	}
	for {
		value := t.value.Load()
		next := tune(value, floor, p.board.limit(LLM), taken*2 >= p.limitOf(LLM), crowded)
		if next == value || t.value.CompareAndSwap(value, next) {
			return
		}
	}
}

// effective is the limit of LLM calls that a tuning makes of the configured one.
func (b *Board) effective(t *tuning) uint64 {
	limit, floor := b.limit(LLM), b.head.floor.Load()
	value := t.value.Load()
	if floor == 0 || value == 0 || limit == 0 {
		return limit
	}
	return max(min(limit, value/tuneScale), min(floor, limit), 1)
}

// limitOf is the limit in force for this process; 0 is none.
func (p *Place) limitOf(id int) uint64 {
	if id == LLM {
		return p.board.effective(p.tuning())
	}
	return p.board.limit(id)
}
