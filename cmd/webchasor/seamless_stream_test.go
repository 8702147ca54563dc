package main

import (
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestALongStreamOutlivesEverything: one stream across reloads, recycles,
// scaling and an upgrade comes whole and in order, and nobody else notices either.
func TestALongStreamOutlivesEverything(t *testing.T) {
	overBoth(t, func(t *testing.T, network string) {
		env := []string{"MAX_REQUESTS=150", "MAX_REQUESTS_JITTER=50"}
		unnoticed(t, network, testproc.Options{Env: env}, func(p *testproc.Process, load *testproc.Mixing) {
			const events = 100
			client := testproc.Client{Network: network, Addr: load.Addr()}
			stream := testproc.Follow(t, client, "/stream?n=100&every=50", events)
			scale := func(sig syscall.Signal, done testproc.Match, what string) {
				mark := p.Log.Mark()
				p.SignalPID(p.MasterPIDs()[0], sig)
				p.WaitLog(mark, done, what)
				load.WaitRequests(t, 100)
			}
			for range 2 {
				scale(syscall.SIGHUP, testproc.Msg(msgReloaded), "the reload commits")
				scale(syscall.SIGTTIN, testproc.About(testproc.MsgReady), "one worker more")
				scale(syscall.SIGTTOU, testproc.Msg("draining worker", "reason", "scale"), "one worker fewer")
			}
			upgrade(t, p, p.PID())
			load.WaitRequests(t, 200)
			if res := stream.Wait(); res.Outcome != testproc.OK {
				t.Errorf("the stream: %v", res)
			}
			recycled := testproc.Msg("draining worker", "reason", "max_requests")
			testproc.Eventually(t, testproc.Patience, testproc.Every,
				func() bool { return len(p.Log.Lines(0, recycled)) >= 2 }, "two recycles")
		})
	})
}
