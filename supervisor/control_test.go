package supervisor

import (
	"testing"
	"time"
)

func TestWithinBoundsAllWaitsTogether(t *testing.T) {
	never, done := make(chan struct{}), make(chan struct{})
	close(done)
	within(time.Hour, done, done)
	// Both hang, as when a worker's child keeps its pipe and its channel open.
	within(time.Millisecond, never, never)
}
