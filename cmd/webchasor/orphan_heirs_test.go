package main

import (
	"slices"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// TestARequestOutlivesTwoUpgrades, and a reload: the worker that has it is told each
// time who takes its connections now, so that its client keeps the connection.
func TestARequestOutlivesTwoUpgrades(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, testproc.Options{Env: []string{
		"WEB_WORKERS=1", "KEEPALIVE=120", "GRACEFUL_TIMEOUT=60", "BODY_TIMEOUT=60", "LOG_LEVEL=debug",
	}})
	addr := p.Up()
	first := p.WaitWorkers(1)
	c := control.New(socketOf(p))
	client := testproc.Dial(t, addr)
	client.Send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		s, err := c.Status(t.Context())
		return err == nil && s.Totals.InFlight == 1
	}, "half of a request is there")

	told := func(mark int) {
		t.Helper()
		p.WaitLog(mark, testproc.Msg("already draining", "pid", first[0], "reason", "upgrade"), "the first worker hears of other heirs")
	}
	master := upgrade(t, p, p.PID())
	orphanOf(t, c, first[0])
	mark := p.Log.Mark()
	master = upgrade(t, p, master)
	told(mark)
	orphanOf(t, c, first[0])
	workers := p.Ready(0)
	mark = p.Log.Mark()
	p.SignalPID(master, syscall.SIGHUP)
	told(mark)

	client.Send("world")
	res := client.Answer()
	if expectOK(t, res) != first[0] || res.Closing {
		t.Errorf("worker %d answers, closing %v; want %d, which lets the connection move", workerOf(res), res.Closing, first[0])
	}
	left := func(pid int) bool {
		return slices.ContainsFunc(workers, func(w testproc.WorkerReady) bool { return w.PID == pid })
	}
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		client.Send(testproc.Request("/pid"))
		res := client.Answer()
		pid := expectOK(t, res)
		if res.Closing {
			t.Fatalf("worker %d closes the connection", pid)
		}
		return !left(pid) // one that came just then is still answered where it was
	}, "the same connection is the newest worker's")
	client.Close() // saves the stop the wait for it
	p.WaitPIDGone(first[0], testproc.Patience)
	stopOrphan(t, p, master)
}
