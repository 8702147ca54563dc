package cache

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/testproc"
)

// Redis is left alone for the pause, not for as long as the wall clock was set back.
func TestPauseOutlivesClockSteps(t *testing.T) {
	t.Parallel()
	for _, seconds := range []int64{3600, -3600} {
		now := time.Now()
		r := &remote{log: zap.NewNop(), timeout: time.Hour, pauseTime: time.Minute, now: func() time.Time { return now }}
		asked := 0
		try := func() {
			r.try(t.Context(), "test", func(context.Context) error { asked++; return errors.New("down") })
		}
		try()
		begin := now
		now = testproc.StepClock(begin.Add(59*time.Second), seconds)
		try()
		if asked != 1 {
			t.Errorf("a step by %d s ended the pause", seconds)
		}
		now = testproc.StepClock(begin.Add(time.Minute), seconds)
		try()
		if asked != 2 {
			t.Errorf("a step by %d s prolonged the pause", seconds)
		}
	}
}
