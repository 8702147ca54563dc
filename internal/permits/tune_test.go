package permits

import (
	"math"
	"testing"
)

// TestTuneFollowsTheUpstream: an upstream's capacity steps from 32 to 8 and back: the limit
// follows, and few are refused. The time is rounds of calls; all of one are
// sent together, and those beyond the capacity are refused at once.
func TestTuneFollowsTheUpstream(t *testing.T) {
	t.Parallel()
	_, b := newBoard(t, Limits{LLM: 64, Floor: 2})
	_, p := sit(t, b, Host)
	n := p.Needs(true, "", "")
	for _, capacity := range []int{32, 8, 32} {
		var good, refused int
		round := func() {
			sent := fill(p, n)
			for range max(sent-capacity, 0) {
				p.Heard(true)
				p.Put(n)
				refused++
			}
			for range min(sent, capacity) {
				p.Heard(false)
				p.Put(n)
				good++
			}
		}
		for range 100 { // to settle
			round()
		}
		good, refused = 0, 0
		const rounds = 1000
		for range rounds {
			round()
		}
		limit := float64(b.Usage().EffectiveLLM)
		rate, used := float64(refused)/float64(refused+good), float64(good)/float64(rounds*capacity)
		if limit < 0.6*float64(capacity) || limit > 1.2*float64(capacity) || rate > 0.03 || used < 0.8 {
			t.Errorf("capacity %d: the limit is %.0f, %.2f %% refused, %.0f %% used", capacity, limit, 100*rate, 100*used)
		}
		t.Logf("capacity %d: limit %.0f, %.2f %% refused, %.0f %% used", capacity, limit, 100*rate, 100*used)
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
	for range 200 {
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
	two.Heard(true) // of a call that was sent before that
	if got := b.Usage().EffectiveLLM; got != 6+8 {
		t.Errorf("after a refusal on the host: %d", got)
	}
	n := two.Needs(true, "", "")
	if got := fill(two, n); got != 6 {
		t.Errorf("took %d, want 6", got)
	}
	for range 200 {
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
