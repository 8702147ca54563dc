package main

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestScenario40RecyclingIsInvisible: workers are replaced all the time, one at
// a time, and no client notices.
func TestScenario40RecyclingIsInvisible(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=3", "MAX_REQUESTS=20", "MAX_REQUESTS_JITTER=20", "RECYCLE_INTERVAL=0.2")
	addr := p.Up()
	first := p.WaitWorkers(3)
	load := testproc.StartLoad(t, testproc.Load{
		Addr: addr, Busy: 4, Connecting: 4, Pace: 3 * time.Millisecond, Requests: 250,
	})
	report := load.Wait()
	report.ExpectClean(t)
	if report.Requests != 2000 || report.IdleClosed > 0 {
		t.Errorf("want 2000 requests and no close without notice: %v", report)
	}
	if len(report.PIDs) < 2*len(first) {
		t.Errorf("only %d processes answered: %v", len(report.PIDs), report)
	}
	p.WaitWorkers(3)
	expectOneAtATime(t, p, 3)
	wantNoLine(t, p, 0, testproc.Msg(testproc.MsgDied), "a recycled worker died abnormally")
	p.Stop(0)
}

// expectOneAtATime reads the log: a worker is told to drain only after its
// successor is ready, so ready workers never are fewer than n, and never is
// a second one replaced meanwhile.
func expectOneAtATime(t *testing.T, p *testproc.Process, n int) {
	t.Helper()
	ready := map[int]bool{}
	drains := 0
	lines := p.Log.Lines(0, func(l testproc.Line) bool {
		return testproc.About(testproc.MsgReady)(l) || testproc.About("draining worker")(l)
	})
	for _, line := range lines {
		pid := line.Int(testproc.KeyPID)
		if line.Msg() == testproc.MsgReady {
			ready[pid] = true
			if len(ready) > n+1 {
				t.Errorf("%d ready workers at once, so two replacements: %s", len(ready), line.Text)
			}
			continue
		}
		drains++
		delete(ready, pid)
		if len(ready) < n {
			t.Errorf("%d ready workers after: %s", len(ready), line.Text)
		}
	}
	if drains == 0 {
		t.Error("nobody was recycled")
	}
}

// TestRecyclePacing: after the first N, planned replacements wait for recycle_interval.
func TestRecyclePacing(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1", "MAX_REQUESTS=1", "RECYCLE_INTERVAL=0.7")
	addr := p.Up()
	load := testproc.StartLoad(t, testproc.Load{Addr: addr, Connecting: 1, Pace: 2 * time.Millisecond})
	draining := testproc.Msg("draining worker")
	testproc.Eventually(t, testproc.Patience, testproc.Every,
		func() bool { return len(p.Log.Lines(0, draining)) >= 4 }, "four recycles")
	load.Stop().ExpectClean(t)
	drains := p.Log.Lines(0, draining)
	// The first is the burst's. What is paced is the beginning of each; a
	// successor that boots slowly makes a single gap shorter, never all together.
	if all := drains[3].Seen.Sub(drains[0].Seen); all < 1500*time.Millisecond {
		t.Errorf("four replacements within %v, want about three times 0.7 s", all)
	}
	p.Stop(0)
}

// TestMemoryLimitReplacesGracefully: the leaking worker goes, its clients stay.
func TestMemoryLimitReplacesGracefully(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=2", "MAX_MEMORY=150MB")
	addr := p.Up()
	old := p.WaitWorkers(2)
	load := testproc.StartLoad(t, testproc.Load{Addr: addr, Busy: 1, Connecting: 1, Pace: 5 * time.Millisecond})
	kept := testproc.StartLoad(t, testproc.Load{Addr: addr, Busy: 4, Pace: 5 * time.Millisecond})
	kept.WaitRequests(20)
	leaker := expectOK(t, testproc.Get(t, addr, "/leak?mb=200"))
	line := p.WaitLog(0, testproc.Msg("draining worker", testproc.KeyPID, leaker), "the leaking worker is replaced")
	if line.Str("reason") != "max_memory" {
		t.Errorf("the reason is %q", line.Str("reason"))
	}
	p.WaitPIDGone(leaker, testproc.Patience)
	now := p.WaitWorkers(2)
	for _, pid := range old {
		if pid != leaker && !slices.Contains(now, pid) {
			t.Errorf("the healthy worker %d was replaced too: %v", pid, now)
		}
	}
	load.Stop().ExpectClean(t)
	report := kept.Stop()
	report.ExpectClean(t)
	if report.Connects != 4 {
		t.Errorf("4 clients connected %d times", report.Connects)
	}
	expectOneAtATime(t, p, 2)
	p.Stop(0)
}

// TestJitterSpreadsTheLimits: workers that started together do not fall due together.
func TestJitterSpreadsTheLimits(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1", "MAX_REQUESTS=10", "MAX_REQUESTS_JITTER=40", "RECYCLE_INTERVAL=0.01")
	addr := p.Up()
	counts := map[string]int{}
	load := testproc.StartLoad(t, testproc.Load{Addr: addr, Connecting: 1, Pace: time.Millisecond})
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		counts = load.Now().PIDs
		return len(counts) >= 8
	}, "eight workers had their turn")
	load.Stop().ExpectClean(t)
	distinct := map[int]bool{}
	for pid, n := range counts {
		if n < 10 && pid != strconv.Itoa(p.WorkerPIDs()[0]) {
			continue // the newest, still serving, or one that shared its last moments
		}
		distinct[n] = true
	}
	if len(distinct) < 3 {
		t.Errorf("the limits look alike: %v", counts)
	}
	p.Stop(0)
}
