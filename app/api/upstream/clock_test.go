package upstream

import (
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// An upstream rests for as long as it asked, whatever happens to the wall clock.
func TestCoolingOutlivesClockSteps(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var e endpoint
	if e.cooling(now) {
		t.Error("one that asked for nothing rests")
	}
	e.cool(now, time.Minute)
	for _, seconds := range []int64{3600, -3600} {
		if !e.cooling(testproc.StepClock(now.Add(59*time.Second), seconds)) {
			t.Errorf("a step by %d s ended the rest", seconds)
		}
		if e.cooling(testproc.StepClock(now.Add(time.Minute), seconds)) {
			t.Errorf("a step by %d s prolonged the rest", seconds)
		}
	}
}
