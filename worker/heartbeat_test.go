package worker

import (
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
)

func TestHeartbeat(t *testing.T) {
	tc := serveApp(t, newProbe().fast(), func(*config.Settings) {})
	first := tc.board.Snapshot().Beat
	if first == 0 {
		t.Fatal("ready without a heartbeat")
	}
	eventually(t, "another beat", func() bool { return tc.board.Snapshot().Beat > first })
}

// A watchdog that hangs must not look alive.
func TestHeartbeatStopsWithTheWatchdog(t *testing.T) {
	tc := newTestCore(t, newProbe().fast(), func(*config.Settings) {})
	tc.dog.scanned.Store(int64(tc.t.clock.Now() - time.Hour))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		tc.beat(stop)
		close(done)
	}()
	<-time.After(3 * beatEvery)
	if b := tc.board.Snapshot().Beat; b != 0 {
		t.Errorf("beat at %v", b)
	}
	tc.dog.scanned.Store(int64(tc.t.clock.Now()))
	eventually(t, "a beat", func() bool { return tc.board.Snapshot().Beat != 0 })
	close(stop)
	<-done
}
