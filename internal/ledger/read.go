package ledger

import (
	"math"
	"time"
)

// Counts are a slot's counters.
type Counts struct {
	BytesOut  uint64
	Timeouts  uint64
	Panics    uint64
	Lost      uint64 // requests without an answer: given up by workers, or under way in a death
	Accepted  uint64
	Taken     uint64
	Processor time.Duration
	Deaths    [MaxCauses]uint64 // by number of the cause
}

// Counts copies the slot's counters.
func (s *Slot) Counts() Counts {
	p := s.page
	c := Counts{
		BytesOut: p.bytesOut.Load(),
		Timeouts: p.timeouts.Load(), Panics: p.panics.Load(),
		Lost:     p.lost.Load() + p.died.Load(),
		Accepted: p.accepted.Load(), Taken: p.taken.Load(),
		Processor: duration(p.processor.Load()),
	}
	for i := range c.Deaths {
		c.Deaths[i] = p.deaths[i].Load()
	}
	return c
}

// Series calls f with every route and status class that the slot has counted.
// It looks at no other, because looking would allocate their memory.
func (s *Slot) Series(f func(route, class int, l *Series)) {
	for at := range perSlot {
		if s.page.used[at/64].Load()>>(at%64)&1 != 0 {
			f(at/Classes, at%Classes, (*Series)(&s.series[at]))
		}
	}
}

// Series are the latencies of one route and class in a slot, as they are counted.
type Series series

// Count is the number of requests.
func (s *Series) Count() uint64 {
	n := s.zero.Load()
	for i := range s.native {
		n += s.native[i].Load()
	}
	return n
}

// Latency is a copy of counted latencies, or of several added up. The zero value is empty.
type Latency struct {
	Count   uint64
	Sum     time.Duration
	Zero    uint64          // not longer than [ZeroThreshold]
	Native  [Native]uint64  // see [UpperBound]
	Classic [Classic]uint64 // per bucket, not cumulative; see [Bounds]
}

// Add adds what s has counted. Count is always what Zero and Native add up to.
func (l *Latency) Add(s *Series) {
	zero := s.zero.Load()
	l.Zero += zero
	l.Count += zero
	for i := range s.native {
		n := s.native[i].Load()
		l.Native[i] += n
		l.Count += n
	}
	l.Sum += duration(s.sum.Load())
	for i := range s.classic {
		l.Classic[i] += s.classic[i].Load()
	}
}

// Since is what was counted after an earlier copy.
func (l *Latency) Since(before *Latency) Latency {
	d := *l
	d.Count -= min(before.Count, d.Count)
	d.Sum -= before.Sum
	d.Zero -= min(before.Zero, d.Zero)
	for i, n := range before.Native {
		d.Native[i] -= min(n, d.Native[i])
	}
	for i, n := range before.Classic {
		d.Classic[i] -= min(n, d.Classic[i])
	}
	return d
}

// Quantile estimates, to 5 %, the latency that the share q of the requests did not exceed; 0 if
// there are none.
func (l *Latency) Quantile(q float64) time.Duration {
	if l.Count == 0 {
		return 0
	}
	rank := max(uint64(math.Ceil(min(max(q, 0), 1)*float64(l.Count))), 1)
	seen := l.Zero
	for i, n := range l.Native {
		if seen >= rank {
			return middle(i - 1)
		}
		seen += n
	}
	return middle(Native - 1)
}

// middle of bucket i in the logarithmic sense, so the error is the same both ways.
func middle(i int) time.Duration {
	if i < 0 {
		return time.Microsecond
	}
	return time.Duration(math.Sqrt(UpperBound(i-1)*UpperBound(i)) * float64(time.Second))
}

func duration(v uint64) time.Duration { return time.Duration(min(v, math.MaxInt64)) }
