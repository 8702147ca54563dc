package scoreboard

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsJoinWithoutGaps(t *testing.T) {
	for i := range Buckets {
		low, high := bucketFloor(i), bucketFloor(i+1)
		if low >= high {
			t.Fatalf("bucket %d is %v to %v", i, low, high)
		}
		if bucketOf(low) != i || bucketOf(high-1) != i {
			t.Fatalf("bucket %d is %v to %v, but they belong to %d and %d", i, low, high, bucketOf(low), bucketOf(high-1))
		}
		mid := middle(i)
		if low >= time.Microsecond {
			if off := float64(high-mid) / float64(high); off > 0.032 {
				t.Errorf("bucket %d, %v to %v: its middle is %.1f %% off", i, low, high, 100*off)
			}
		}
	}
	if got := bucketFloor(Buckets); got != MaxLatency || MaxLatency < time.Hour {
		t.Errorf("the last bucket ends at %v, MaxLatency is %v", got, MaxLatency)
	}
	for _, d := range []time.Duration{MaxLatency, 24 * time.Hour, math.MaxInt64} {
		if got := bucketOf(d); got != Buckets-1 {
			t.Errorf("%v belongs to bucket %d", d, got)
		}
	}
}

func TestQuantilesOfKnownData(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	shapes := map[string]func() time.Duration{
		"even":     func() time.Duration { return time.Microsecond + time.Duration(rng.Int64N(int64(time.Second))) },
		"long":     func() time.Duration { return time.Duration(float64(time.Millisecond) * math.Exp(2*rng.NormFloat64())) },
		"constant": func() time.Duration { return 20 * time.Millisecond },
		"hours":    func() time.Duration { return time.Hour },
	}
	for name, draw := range shapes {
		b, _ := newBoard(t, 1)
		var all []time.Duration
		for range 5000 {
			d := max(draw(), time.Microsecond)
			all = append(all, d)
			b.Totals().Request(200, 0, d)
		}
		slices.Sort(all)
		h := b.Histogram()
		for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
			rank := max(int(math.Ceil(q*float64(len(all)))), 1)
			want := all[rank-1]
			got := h.Quantile(q)
			if off := math.Abs(float64(got-want)) / float64(want); off > 0.035 {
				t.Errorf("%s: quantile %v is %v, want %v (%.1f %% off)", name, q, got, want, 100*off)
			}
		}
		if h.Quantile(-1) != h.Quantile(0) || h.Quantile(2) != h.Quantile(1) {
			t.Errorf("%s: quantiles outside 0 to 1 differ", name)
		}
	}
}

func TestHistogramMergeAndAtMost(t *testing.T) {
	var sum Histogram
	if sum.Quantile(0.5) != 0 || sum.Count() != 0 || sum.AtMost(time.Hour) != 0 {
		t.Error("an empty histogram is not empty")
	}
	for _, d := range []time.Duration{time.Millisecond, time.Second} {
		b, _ := newBoard(t, 1)
		for range 10 {
			b.Totals().Request(200, 0, d)
		}
		sum.Merge(b.Histogram())
	}
	if sum.Count() != 20 || sum.Sum() != 10*(time.Second+time.Millisecond) {
		t.Errorf("%d requests, %v", sum.Count(), sum.Sum())
	}
	for _, c := range []struct {
		d    time.Duration
		want uint64
	}{{-1, 0}, {time.Microsecond, 0}, {10 * time.Millisecond, 10}, {time.Minute, 20}, {math.MaxInt64, 20}} {
		if got := sum.AtMost(c.d); got != c.want {
			t.Errorf("%d took at most %v, want %d", got, c.d, c.want)
		}
	}
}
