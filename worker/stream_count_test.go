package worker

import (
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
)

// The master gives a draining worker more time while it counts streams. So
// whatever the worker itself lets go on after graceful_timeout is counted.
func TestWhatOutlivesTheBudgetCountsAsStream(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) {
			s.GracefulTimeout, s.StreamTimeout = 200*time.Millisecond, patience
		})
		download := tc.dial()
		download.get("/big")
		wait(t, "the handler", p.entered)
		eventually(t, "the beginning of the response", func() bool {
			for _, c := range tc.t.conns.snapshot(nil) {
				c.mu.Lock()
				begun := c.req.begun
				c.mu.Unlock()
				if begun {
					return true
				}
			}
			return false
		})
		if n := tc.board.Snapshot().Streams; n != 0 {
			t.Errorf("%d streams before the drain", n)
		}
		tc.order(handoff.DrainReload)
		eventually(t, "the count", func() bool { return tc.board.Snapshot().Streams == 1 })
		if r := download.want(200); r.bodyErr != nil || len(r.body) != len(p.big) {
			t.Errorf("%v, %d bytes", r.bodyErr, len(r.body))
		}
		tc.exited()
		if n := tc.board.Snapshot().Streams; n != 0 {
			t.Errorf("%d streams at the end", n)
		}
	})
}

// Who flushes streams; both servers' streams are seen before any drain.
func TestStreamsAreCounted(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(*config.Settings) {})
		c := tc.dial()
		c.get("/stream/stuck")
		wait(t, "the stream", p.entered)
		eventually(t, "the count", func() bool { return tc.board.Snapshot().Streams == 1 })
		close(p.release)
		if r := c.want(200); r.bodyErr != nil {
			t.Error(r.bodyErr)
		}
		eventually(t, "its end", func() bool { return tc.board.Snapshot().Streams == 0 })
		c.get("/ok")
		c.want(200)
		if n := tc.board.Snapshot().Streams; n != 0 {
			t.Errorf("%d streams after a request", n)
		}
	})
}
