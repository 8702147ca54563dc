package worker

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// However the end of one mover and the beginning of the next meet, there are
// heirs afterwards, so nobody says goodbye. Without the lock some of the rounds
// fail, if two processors are free.
func TestEndedMoverDoesNotUndoTheNext(t *testing.T) {
	const rounds = 100_000
	old, next := &mover{drains: true}, &mover{drains: true}
	exits := make([]exit, rounds)
	var met [2]atomic.Int64 // each side waits for the other, so that they meet
	race := func(mine, other *atomic.Int64, act func(*exit)) {
		for i := range exits {
			for mine.Store(int64(i)); other.Load() < int64(i); {
				runtime.Gosched()
			}
			act(&exits[i])
		}
		mine.Store(rounds)
	}
	for i := range exits {
		exits[i].leadBy(old)
	}
	var both sync.WaitGroup
	both.Go(func() { race(&met[0], &met[1], func(x *exit) { x.ended(old) }) })
	both.Go(func() { race(&met[1], &met[0], func(x *exit) { x.leadBy(next) }) })
	both.Wait()
	for i := range exits {
		if x := &exits[i]; x.mover.Load() != next || x.draining.Load() {
			t.Fatalf("round %d: goodbyes %v, although a mover is there", i, x.draining.Load())
		}
	}
}

// Without a next one the worker says goodbye, but only in a drain.
func TestEndedMoverLeavesAGoodbye(t *testing.T) {
	for _, drains := range []bool{true, false} {
		var x exit
		m := &mover{drains: drains}
		x.leadBy(m)
		x.ended(m)
		if x.mover.Load() != nil || x.draining.Load() != drains {
			t.Errorf("drains %v: goodbyes %v", drains, x.draining.Load())
		}
		x.leadBy(m)
		x.sayGoodbye()
		if x.mover.Load() != nil || !x.draining.Load() {
			t.Error("no goodbye in a stop")
		}
	}
}
