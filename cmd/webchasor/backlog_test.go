package main

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestFullBacklogIsNamedOnce stops the only worker and sends more connections
// than may wait: one line says where, how deep and what to do.
func TestFullBacklogIsNamedOnce(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1", "BACKLOG=4")
	addr := p.Up()
	worker := p.WaitWorkers(1)[0]
	mark := p.Log.Mark()
	p.Freeze(worker)
	for range 20 {
		go func() {
			c, err := net.DialTimeout("tcp", addr, 5*time.Second)
			if err == nil {
				defer c.Close()
				testproc.Pause(testproc.Patience, t.Context().Done())
			}
		}()
	}
	full := testproc.Msg("backlog full")
	line := p.WaitLog(mark, full, "the warning")
	if line.Str("level") != "warn" || line.Str("address") != addr || line.Int("limit") != 4 || line.Int("depth") < 4 {
		t.Errorf("want a warning with address %s, the depth and the limit 4: %s", addr, line.Text)
	}
	if !strings.Contains(line.Str("remedy"), "BACKLOG") || !strings.Contains(line.Str("remedy"), "add workers") {
		t.Errorf("no remedy: %s", line.Text)
	}
	// Four looks a second see the same full queue.
	testproc.Holds(t, testproc.Patience/20, testproc.Every, func() bool { return len(p.Log.Lines(mark, full)) == 1 }, "it is said once")
	p.SignalPID(worker, syscall.SIGCONT)
	p.Signal(syscall.SIGQUIT)
	p.ExpectExit(0)
}
