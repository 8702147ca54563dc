package permits

import (
	"math"
	"testing"
	"time"
)

// upstream answers what it can bear at a time and refuses the rest at once.
type bearing struct{ capacity, good, refused int }

// rounds plays calls of one second each for a number of seconds, with a clock of its own:
// every worker sends as many as the limit lets it.
func (u *bearing) rounds(limit, cutAt uint64, from, seconds int) (uint64, uint64) {
	for s := from; s < from+seconds; s++ {
		now := uint64(s+1) * uint64(time.Second)
		n := int(limit / tuneScale)
		for i := range n {
			crowded := i >= u.capacity
			if crowded {
				u.refused++
			} else {
				u.good++
			}
			if crowded && now-cutAt < tunePause {
				continue
			}
			if crowded {
				cutAt = now
			}
			limit = tune(limit, 2, 64, true, crowded)
		}
	}
	return limit, cutAt
}

// An upstream's capacity steps from 32 to 8 and back: the limit follows, and few are refused.
func TestTuneFollowsTheUpstream(t *testing.T) {
	t.Parallel()
	limit, cutAt, at := uint64(64*tuneScale), uint64(0), 0
	for _, capacity := range []int{32, 8, 32} {
		u := &bearing{capacity: capacity}
		limit, cutAt = u.rounds(limit, cutAt, at, 40) // to settle
		*u = bearing{capacity: capacity}
		limit, cutAt = u.rounds(limit, cutAt, at+40, 200)
		at += 240
		if got := float64(limit) / tuneScale; got < 0.6*float64(capacity) || got > 1.25*float64(capacity) {
			t.Errorf("capacity %d: the limit is %.1f", capacity, got)
		}
		rate := float64(u.refused) / float64(u.refused+u.good)
		used := float64(u.good) / float64(200*capacity)
		if rate > 0.05 || used < 0.8 {
			t.Errorf("capacity %d: %.1f %% refused, %.0f %% used", capacity, 100*rate, 100*used)
		}
		t.Logf("capacity %d: limit %.1f, %.2f %% refused, %.0f %% used", capacity, float64(limit)/tuneScale, 100*rate, 100*used)
	}
}

func TestTuneStaysInItsBounds(t *testing.T) {
	t.Parallel()
	const floor, ceiling = 3, 10
	limit := uint64(0)
	for range 100 {
		limit = tune(limit, floor, ceiling, true, true)
	}
	if limit != floor*tuneScale {
		t.Errorf("after many refusals it is %d", limit)
	}
	if got := tune(limit, floor, ceiling, false, false); got != limit {
		t.Errorf("it grows to %d without being tried", got)
	}
	for range 100 {
		limit = tune(limit, floor, ceiling, true, false)
	}
	if limit != ceiling*tuneScale {
		t.Errorf("after many good answers it is %d", limit)
	}
	if got := tune(limit, floor, 4, false, false); got != 4*tuneScale {
		t.Errorf("a lower ceiling makes %d of it", got)
	}
	if got := tune(500, 1, math.MaxUint32, true, false); got < 1000 {
		t.Errorf("less than one: %d", got)
	}
}

// The host has one adaptive limit, a process that counts for itself has its own; both
// are configured while nobody wants them otherwise.
func TestAdaptiveLimitByScope(t *testing.T) {
	t.Parallel()
	l := Limits{API: 100, LLM: 8}
	_, b := newBoard(t, l)
	_, one := sit(t, b, Host)
	_, two := sit(t, b, Host)
	_, alone := sit(t, b, Alone)
	one.Heard(true)
	if got := b.Usage().EffectiveLLM; got != 16 || one.Adaptive() {
		t.Errorf("a fixed limit is %d after a refusal", got)
	}
	l.Floor = 2
	b.Configure(l)
	if got := b.Usage().EffectiveLLM; got != 16 {
		t.Errorf("an adaptive limit begins with %d", got)
	}
	one.Heard(true)
	two.Heard(true) // of the same moment
	if got := b.Usage().EffectiveLLM; got != 6+8 {
		t.Errorf("after a refusal on the host: %d", got)
	}
	n := two.Needs(true, "", "")
	if got := fill(two, n); got != 6 {
		t.Errorf("took %d, want 6", got)
	}
	for range 100 {
		one.Heard(false)
	}
	if got := fill(two, n); got != 2 {
		t.Errorf("took %d more, want 2", got)
	}
	alone.Heard(true)
	if got := fill(alone, alone.Needs(true, "", "")); got != 6 {
		t.Errorf("alone it took %d, want 6", got)
	}
	if got := two.Limit(LLM); got != 8 {
		t.Errorf("the configured limit is %d", got)
	}
	l.Floor = 0
	b.Configure(l)
	if got := b.Usage().EffectiveLLM; got != 16 {
		t.Errorf("switched off it is %d", got)
	}
}
