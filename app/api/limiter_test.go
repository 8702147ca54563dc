package api

import (
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// A line a second, also while the wall clock is set.
func TestLimiterOutlivesClockSteps(t *testing.T) {
	t.Parallel()
	for _, seconds := range []int64{3600, -3600} {
		var l limiter
		now := time.Now()
		if _, ok := l.allow(now); !ok {
			t.Fatal("the first one is held back")
		}
		if _, ok := l.allow(testproc.StepClock(now.Add(time.Second/2), seconds)); ok {
			t.Errorf("a step by %d s lets a second one through", seconds)
		}
		if missed, ok := l.allow(testproc.StepClock(now.Add(time.Second), seconds)); !ok || missed != 1 {
			t.Errorf("a second after a step by %d s: %v, %d missed", seconds, ok, missed)
		}
	}
}
