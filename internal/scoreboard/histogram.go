package scoreboard

import (
	"math"
	"math/bits"
	"time"
)

// The histogram is log-linear: every power of two is cut into 16 equal
// buckets, in units of 64 ns. So a bucket is at most 1/16 of its value wide
// and its middle at most 3.2 % off, from one microsecond to MaxLatency; what is longer
// counts as MaxLatency. Below 1 us the buckets are 64 ns wide.
const (
	unitBits = 6  // 64 ns
	subBits  = 4  // 16 buckets per power of two
	octaves  = 33 // the first covers 0 to 16 units evenly
	// Buckets is their number.
	Buckets = octaves << subBits
	// MaxLatency is where the last bucket ends: 73 minutes.
	MaxLatency = time.Duration(1) << (unitBits + subBits + octaves - 1)
)

// bucketOf needs no negative durations.
func bucketOf(d time.Duration) int {
	v := uint64(d) >> unitBits
	if v < 1<<subBits {
		return int(v)
	}
	octave := bits.Len64(v) - subBits
	i := octave<<subBits | int(v>>(octave-1))&(1<<subBits-1)
	return min(i, Buckets-1)
}

// bucketFloor is the smallest duration in bucket i; that of i+1 is where it ends.
func bucketFloor(i int) time.Duration {
	octave, sub := i>>subBits, i&(1<<subBits-1)
	if octave == 0 {
		return time.Duration(sub) << unitBits
	}
	return time.Duration(sub|1<<subBits) << (unitBits + octave - 1)
}

// Histogram is a copy of a worker's latencies, or of several merged. The zero value is empty.
type Histogram struct {
	counts [Buckets]uint64
	sum    time.Duration
}

// Histogram copies the board's latencies.
func (b *Board) Histogram() *Histogram {
	h := &Histogram{sum: time.Duration(min(b.head.busy.Load(), math.MaxInt64))}
	for i := range h.counts {
		h.counts[i] = b.head.latency[i].Load()
	}
	return h
}

// Merge adds what other counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.sum += other.sum
}

// Count is the number of requests.
func (h *Histogram) Count() uint64 {
	var n uint64
	for _, c := range h.counts {
		n += c
	}
	return n
}

// Sum is the time of all requests together.
func (h *Histogram) Sum() time.Duration { return h.sum }

// Quantile estimates the latency that the share q of all requests did not
// exceed, q from 0 to 1; 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	total := h.Count()
	if total == 0 {
		return 0
	}
	rank := uint64(math.Ceil(min(max(q, 0), 1) * float64(total)))
	rank = min(max(rank, 1), total)
	var seen uint64
	for i, c := range h.counts {
		// Written so that absurd counts cannot overflow their way past the rank.
		if c >= rank-seen {
			return middle(i)
		}
		seen += c
	}
	return MaxLatency
}

// AtMost is how many requests took no longer than d, up to the width of d's bucket.
func (h *Histogram) AtMost(d time.Duration) uint64 {
	var n uint64
	for _, c := range h.counts[:bucketOf(max(d, 0))+1] {
		n += c
	}
	return n
}

func middle(i int) time.Duration { return (bucketFloor(i) + bucketFloor(i+1)) / 2 }
