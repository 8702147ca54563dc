package supervisor

import (
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// stuckCore is a log whose reader does nothing until it is let go.
type stuckCore struct {
	zapcore.LevelEnabler
	begun chan struct{} // gets a value when the first write blocks
	free  chan struct{}

	mu    sync.Mutex
	wrote []string
}

func (c *stuckCore) With([]zap.Field) zapcore.Core { return c }
func (c *stuckCore) Sync() error                   { return nil }
func (c *stuckCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, c)
}

func (c *stuckCore) Write(e zapcore.Entry, fields []zap.Field) error {
	select {
	case c.begun <- struct{}{}:
	default:
	}
	<-c.free
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrote = append(c.wrote, e.Message)
	for _, f := range fields {
		if f.Key == "lines" && f.Integer != 2 {
			c.wrote = append(c.wrote, "wrong count")
		}
	}
	return nil
}

func TestStuckLogDoesNotBlockAndCountsWhatIsLost(t *testing.T) {
	stuck := &stuckCore{LevelEnabler: zap.InfoLevel, begun: make(chan struct{}, 1), free: make(chan struct{})}
	q := newLogQueue(2, func(error) {})
	log := zap.New(stuck).WithOptions(zap.WrapCore(q.wrap)).With(zap.String("role", "master"))

	log.Info("a")
	<-stuck.begun // "a" is being written; two more have room
	for _, line := range []string{"b", "c", "lost", "lost too"} {
		log.Info(line) // would hang the test if it blocked
	}
	log.Debug("below the level")
	q.flush(time.Millisecond) // gives up: the log is stuck and the queue full
	close(stuck.free)
	q.flush(time.Minute)
	log.Info("d")
	q.flush(time.Minute)

	stuck.mu.Lock()
	defer stuck.mu.Unlock()
	want := []string{"a", "log lines lost: the log could not be written", "b", "c", "d"}
	if !slices.Equal(stuck.wrote, want) {
		t.Errorf("wrote %q, want %q", stuck.wrote, want)
	}
}
