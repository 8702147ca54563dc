package scoreboard

import (
	"maps"
	"testing"
	"time"
)

// The cheap readings say the same as the list.
func TestAgesSayWhatInFlightSays(t *testing.T) {
	b, _ := newBoard(t, 8)
	for i := range 5 {
		_, e, ok := b.Acquire()
		if !ok {
			t.Fatal("no entry is free")
		}
		e.Open("client", 0)
		if i == 3 {
			continue // idle
		}
		e.Begin(uint64(i), time.Duration(i+1)*time.Second)
		if i == 0 {
			e.Progress(9*time.Second, 1)
		}
	}
	now := 10 * time.Second
	list := b.InFlight(now)
	ages := maps.Collect(b.Ages(now))
	if len(list) != 4 || len(ages) != len(list) {
		t.Fatalf("%d ages of %d requests, want 4", len(ages), len(list))
	}
	for _, r := range list {
		if again, ok := b.Request(r.Index, now); ages[r.Index] != r.Age || !ok || again != r {
			t.Errorf("entry %d: age %v and %+v (%v), want %+v", r.Index, ages[r.Index], again, ok, r)
		}
	}
	if oldest, quiet := b.Extremes(now); oldest != 9*time.Second || quiet != 8*time.Second {
		t.Errorf("the oldest is %v old, the quietest quiet for %v", oldest, quiet)
	}
	for range b.Ages(now) {
		break // whoever has enough may leave
	}
	for _, index := range []int{-1, 3, 7, 99} {
		if r, ok := b.Request(index, now); ok {
			t.Errorf("entry %d has %+v", index, r)
		}
	}
}
