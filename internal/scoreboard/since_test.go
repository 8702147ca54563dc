package scoreboard

import (
	"testing"
	"time"
)

func TestSince(t *testing.T) {
	t.Parallel()
	b, _ := newBoard(t, 1)
	total := b.Totals()
	for range 10 {
		total.Request(200, 0, time.Second)
	}
	before := b.Histogram()
	for range 3 {
		total.Request(200, 0, time.Millisecond)
	}
	lately := b.Histogram().Since(before)
	if lately.Count() != 3 || lately.Sum() != 3*time.Millisecond {
		t.Errorf("%d requests in %v since then, want 3 in 3ms", lately.Count(), lately.Sum())
	}
	if q := lately.Quantile(0.99); q > 2*time.Millisecond {
		t.Errorf("p99 is %v: it still sees what came before", q)
	}
	if back := before.Since(b.Histogram()); back.Count() != 0 || back.Sum() != 0 {
		t.Errorf("%d requests in %v backwards, want none", back.Count(), back.Sum())
	}
}
