package main

import (
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// killed has random workers killed under a load, one every 150 ms, and holds
// every failure against the dead workers' tables.
func killed(t *testing.T, p *testproc.Process, mix testproc.Mix, kills, queued int) testproc.Losses {
	t.Helper()
	load := testproc.StartMix(t, mix)
	load.WaitRequests(t, 100)
	for range kills {
		if queued > 0 {
			testproc.Eventually(t, testproc.Patience, testproc.Every,
				func() bool { return testproc.Queued(mix.Addr) >= queued }, "enough connections wait to be accepted")
		}
		pid := anyReady(t, p)
		p.SignalPID(pid, syscall.SIGKILL)
		p.WaitLog(0, testproc.Msg(testproc.MsgDied, testproc.KeyPID, pid), "its master knows")
		testproc.Pause(150*time.Millisecond, nil)
	}
	load.WaitRequests(t, 100)
	report := load.Stop()
	losses, err := testproc.Explain(p.Log, report)
	if err != nil {
		t.Fatal(err)
	}
	losses.Expect(t)
	if report.Outcomes[testproc.Refused] > 0 || losses.Deaths != kills {
		t.Errorf("%d refused, %d deaths of %d kills: %v", report.Outcomes[testproc.Refused], losses.Deaths, kills, report)
	}
	return losses
}

// anyReady is a living worker that is past its boot: before, it has nothing to lose.
func anyReady(t *testing.T, p *testproc.Process) (pid int) {
	t.Helper()
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		ready := map[int]bool{}
		for _, worker := range p.Ready(0) {
			ready[worker.PID] = true
		}
		pids := slices.DeleteFunc(p.WorkerPIDs(), func(pid int) bool { return !ready[pid] })
		if len(pids) > 0 {
			pid = pids[rand.IntN(len(pids))]
		}
		return pid != 0
	}, "a worker that is ready")
	return pid
}

// TestAKillCostsOnlyWhatWasInside: requests under way and unread ones of the
// dead worker, by name; nobody else's.
func TestAKillCostsOnlyWhatWasInside(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=4", "KEEPALIVE=30")
	mix := smallMix("tcp", p.Up())
	mix.Path, mix.Streaming, mix.Thinking = "/sleep?ms=20", 0, 24
	p.WaitWorkers(4)
	losses := killed(t, p, mix, 12, 0)
	if losses.InFlight == 0 {
		t.Errorf("nothing was in flight in any of them: %v", losses)
	}
}

// TestAKillLosesNoQueuedConnection: at least 100 wait to be accepted all the
// time, in the dead workers' queues too.
func TestAKillLosesNoQueuedConnection(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=4", "WORKER_CONNECTIONS=2")
	mix := testproc.Mix{Addr: p.Up(), Connecting: 130, ConnectPath: "/sleep?ms=20"}
	p.WaitWorkers(4)
	losses := killed(t, p, mix, 8, 100)
	if losses.InFlight == 0 {
		t.Errorf("nothing was in flight in any of them: %v", losses)
	}
}
