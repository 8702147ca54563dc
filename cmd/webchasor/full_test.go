package main

import (
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestAFullWorkerAsksTheLongestIdle: newcomers who wait at a full worker get the
// places of the kept connections that have been idle the longest, one each; the
// others stay.
func TestAFullWorkerAsksTheLongestIdle(t *testing.T) {
	t.Parallel()
	const room, newcomers = 4, 2
	p := start(t, "WEB_WORKERS=1", "WORKER_CONNECTIONS=4", "KEEPALIVE=300")
	addr := p.Up()
	var kept []*testproc.Raw
	for range room {
		kept = append(kept, testproc.Dial(t, addr))
	}
	speak := func(c *testproc.Raw) {
		t.Helper()
		c.Send(testproc.Request("/pid"))
		res := c.Answer()
		expectOK(t, res)
		if res.Closing {
			t.Error("an answer says Connection: close")
		}
	}
	for _, c := range kept {
		speak(c)
	}
	idle := []*testproc.Raw{kept[2], kept[0], kept[3], kept[1]} // not as they came
	for _, c := range idle {
		speak(c)
	}
	mark := p.Log.Mark()
	for i := range newcomers {
		speak(testproc.Dial(t, addr))
		idle[i].ExpectEOF(testproc.Patience)
	}
	for _, c := range idle[newcomers:] {
		speak(c)
	}
	line := p.WaitLog(mark, testproc.Text("worker_connections reached"), "the worker is full")
	if got := line.Int("idle_asked_to_leave"); got != 1 || line.Int("limit") != room {
		t.Errorf("%d asked to leave for one that waits: %s", got, line.Text)
	}
	p.Signal(syscall.SIGINT) // nobody leaves by himself
	p.ExpectExit(0)
}
