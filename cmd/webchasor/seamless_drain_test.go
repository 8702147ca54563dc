package main

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestAReceiverDiesInADrain: workers that take over connections are killed while
// they do. The leaving worker keeps each connection until it was acknowledged, so only
// those are lost that the dead worker had in its table; what it had not taken goes
// to another worker, or stays.
func TestAReceiverDiesInADrain(t *testing.T) {
	t.Parallel()
	const workers, rounds = 3, 6
	p := start(t, "WEB_WORKERS=3", "KEEPALIVE=30")
	// At most 90 on one worker: the log names 100 of a dead one.
	mix := testproc.Mix{Addr: p.Up(), Thinking: 90, Think: 200 * time.Millisecond}
	p.WaitWorkers(workers)
	load := testproc.StartMix(t, mix)
	load.WaitRequests(t, 300)
	moved := testproc.Msg("connections handed over")
	for range rounds {
		mark := p.Log.Mark()
		p.Signal(syscall.SIGTTOU)
		leaving := p.WaitLog(mark, testproc.Msg("draining worker", "reason", "scale"), "one worker leaves").Int(testproc.KeyPID)
		testproc.Pause(time.Duration(rand.IntN(3000))*time.Microsecond, nil)
		victim := anyReady(t, p)
		for victim == leaving {
			victim = anyReady(t, p)
		}
		p.SignalPID(victim, syscall.SIGKILL)
		p.WaitLog(mark, moved, "the drain ends")
		p.WaitLog(mark, testproc.Msg(testproc.MsgDied, testproc.KeyPID, victim), "the receiver's death")
		p.Signal(syscall.SIGTTIN)
		p.WaitWorkers(workers)
		load.WaitRequests(t, 150)
	}
	report := load.Stop()
	losses, err := testproc.Explain(p.Log, report)
	if err != nil {
		t.Fatal(err)
	}
	losses.Expect(t)
	if report.Outcomes[testproc.Refused] > 0 || losses.Deaths != rounds || losses.Arriving > 0 {
		t.Errorf("%v: %v", losses, report)
	}
	for _, c := range report.Closes {
		if c.How == testproc.ClosedAnnounced {
			t.Errorf("a connection was closed instead of moved: %+v", c)
		}
	}
}
