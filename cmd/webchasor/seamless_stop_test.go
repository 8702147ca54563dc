package main

import (
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestAStoppedWorkerKeepsOnlyItsOwn: under a load that goes on all the time, a
// worker is stopped. Who connects more than a second later is not kept waiting, though
// the worker is replaced only after its timeout; who fails was in the worker's table.
func TestAStoppedWorkerKeepsOnlyItsOwn(t *testing.T) {
	t.Parallel()
	const timeout, waited = 4 * time.Second, 3 * time.Second // waited: it is replaced after more than 4 s; a busy machine needs some
	p := start(t, "WEB_WORKERS=4", "WORKER_TIMEOUT=4", "KEEPALIVE=30", "LOG_LEVEL=debug")
	addr := p.Up()
	workers := p.WaitWorkers(4)
	load := testproc.StartMix(t, testproc.Mix{
		Addr: addr, Busy: 4, Thinking: 12, Connecting: 8, Think: 100 * time.Millisecond, Pace: 10 * time.Millisecond, Timeout: 6 * timeout,
	})
	load.WaitRequests(t, 200)
	mark := p.Log.Mark()
	p.Freeze(workers[0])
	stopped := time.Now()
	p.WaitLog(mark, testproc.Msg("accepting for another worker too"), "another worker adopts its queue")
	line := p.WaitLogWithin(timeout+testproc.Patience, mark, testproc.Msg(testproc.MsgDied, testproc.KeyPID, workers[0]), "it is replaced")
	load.WaitRequests(t, 200)
	report := load.Stop()

	later := 0
	for _, s := range report.Samples {
		after := report.Began.Add(s.Start).Sub(stopped)
		if !s.Fresh || after < time.Second || after > line.Seen.Sub(stopped) {
			continue
		}
		if later++; s.Elapsed > waited || !s.OK {
			t.Errorf("a connection made %v after the stop: ok %v after %v, answered by %d", after, s.OK, s.Elapsed, s.Owner)
		}
	}
	if later < 50 {
		t.Errorf("only %d connections were made meanwhile", later)
	}
	losses, err := testproc.Explain(p.Log, report)
	if err != nil {
		t.Fatal(err)
	}
	losses.Expect(t)
	if losses.Deaths != 1 {
		t.Errorf("%d deaths: %v", losses.Deaths, losses)
	}
	p.WaitWorkers(4)
	p.Stop(0)
}
