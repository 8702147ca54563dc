package worker

import (
	"strings"
	"testing"

	"github.com/webchasor/webchasor/internal/config"
)

// Without a checker the servers themselves keep a head within limit_request_head, each with a
// few kilobytes of its own buffer on top.
func TestHeadLimitWithoutChecker(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, _ *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) { s.HTTP = config.HTTP{LimitRequestHead: 8 << 10} })
		if tc.t.entrance != nil {
			t.Fatal("there is a checker")
		}
		for size, want := range map[int]int{1: 200, 20: 431} {
			c := tc.dial()
			c.send("GET /ok HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1019)+"\r\n", size) + "\r\n")
			c.want(want)
		}
	})
}
