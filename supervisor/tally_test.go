package supervisor

import (
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/ledger"
)

func TestTrafficForgetsNoWorker(t *testing.T) {
	l, err := ledger.Create(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	l.AddCauses(causes)
	slot, err := l.Slot(0)
	if err != nil {
		t.Fatal(err)
	}
	m := &master{ledger: l}
	now := time.Now()
	serve := func(n, status int, took time.Duration) {
		for range n {
			slot.Request(0, status, 1, took)
		}
	}
	serve(1000, 500, 10*time.Second) // long ago
	l.Died(slot, "panic", 5)
	m.tallies.add(m.tally(now))
	for range markCount - 1 {
		now = now.Add(markEvery)
		m.tallies.add(m.tally(now))
	}
	serve(97, 200, 10*time.Millisecond)
	serve(3, 500, time.Second)
	l.Died(slot, "panic", 1) // what it served and lost counts on
	now = now.Add(markEvery)
	all := m.tally(now)
	got := m.tallies.traffic(&all)
	over := markCount * markEvery
	if got.Requests != 1100 || got.Lost != 6 || got.Recent != 100 || got.RecentErrors != 3 || got.ErrorShare != 0.03 ||
		got.Window.Duration() != over || got.Rate != 100/over.Seconds() {
		t.Errorf("%+v", got)
	}
	if p50, p95, p99 := got.P50.Duration(), got.P95.Duration(), got.P99.Duration(); p50 < 9*time.Millisecond || p50 > 11*time.Millisecond || p95 != p50 || p99 < 900*time.Millisecond || p99 > 1100*time.Millisecond {
		t.Errorf("p50 %v, p95 %v, p99 %v", p50, p95, p99)
	}
	recent := m.tallies.recent(&all, l.Causes())
	if recent.Requests != 100 || recent.ByClass[5] != 3 || recent.Lost != 1 || len(recent.Restarts) != 1 || recent.Restarts["panic"] != 1 || recent.Window != got.Window {
		t.Errorf("recently %+v", recent)
	}
}

func TestTalliesAreBounded(t *testing.T) {
	var k tallies
	at := time.Now()
	for range 2 * tallyCount {
		at = at.Add(markEvery)
		if !k.due(at) {
			t.Fatal("no tally is due")
		}
		k.add(tally{at: at, latency: &ledger.Latency{}})
		if k.due(at.Add(markEvery - 1)) {
			t.Fatal("one is due too early")
		}
	}
	if len(k) != tallyCount || !k[len(k)-1].at.Equal(at) {
		t.Errorf("%d tallies", len(k))
	}
	for i := range k {
		if kept := k[i].latency != nil; kept != (i >= len(k)-markCount) {
			t.Errorf("tally %d of %d has its histogram: %v", i, len(k), kept)
		}
	}
}
