package scoreboard

import (
	"testing"
	"time"
)

// A slot through three workers: what is shown never falls.
func TestHistoryIsMonotonicThroughRecycles(t *testing.T) {
	var (
		history History
		last    Counters
	)
	look := func(live ...Snapshot) {
		t.Helper()
		now := history.Counters(live...)
		if now.Requests() < last.Requests() || now.BytesOut < last.BytesOut || now.Lost < last.Lost ||
			now.Panics < last.Panics || now.Timeouts < last.Timeouts {
			t.Errorf("fell from %+v to %+v", last, now)
		}
		last = now
	}
	for worker := range 3 {
		b, _ := newBoard(t, 2)
		look(b.Snapshot())
		for range 10 {
			b.Totals().Request(200, 5, time.Millisecond)
			look(b.Snapshot())
		}
		b.Totals().Panic()
		b.Totals().Timeout()
		if worker == 1 { // dies with one under way
			_, e := acquire(t, b)
			e.Open("c", 0)
			e.Begin(1, 0)
		}
		look(b.Snapshot())
		history.Fold(b.Snapshot(), b.Histogram())
		look()
	}
	want := Counters{ByClass: [6]uint64{2: 30}, BytesOut: 150, Timeouts: 3, Panics: 3, Lost: 1}
	if got := history.Counters(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	latency := history.Latency()
	if latency.Count() != 30 {
		t.Errorf("latency has %d requests", latency.Count())
	}
	latency.Merge(latency)
	if n := history.Latency().Count(); n != 30 {
		t.Errorf("changing the copy changed the history: %d", n)
	}
}
