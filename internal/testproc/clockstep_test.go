package testproc

import (
	"testing"
	"time"
)

func TestStepClock(t *testing.T) {
	now := time.Now()
	for _, seconds := range []int64{3600, -3600} {
		stepped := StepClock(now, seconds)
		if d := stepped.Sub(now); d != 0 {
			t.Errorf("the monotonic clock went by %v", d)
		}
		if d := stepped.Round(0).Sub(now.Round(0)); d != time.Duration(seconds)*time.Second {
			t.Errorf("the wall clock went by %v, want %d s", d, seconds)
		}
	}
}
