package worker

import (
	"testing"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
)

// The worker asks once and goes on serving.
func TestMaxRequests(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		tc := serveApp(t, app, func(*config.Settings) {}, func(o *coreOptions) { o.MaxRequests = 5 })
		c := tc.dial()
		for i := range 20 {
			c.get("/ok")
			c.want(200)
			if i == 3 && len(tc.reports) != 0 {
				t.Error("asked too early")
			}
		}
		tc.expect(handoff.ReportRecycle)
		eventually(t, "all counted", func() bool { return tc.board.Snapshot().Counters.Requests() == 20 })
		if len(tc.reports) != 0 {
			t.Error("asked twice")
		}
	})
}
