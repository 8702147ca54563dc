package main

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestScenario12HangingBootsAreKilled needs a worker that was ready once:
// before that a boot timeout ends the master (scenario 14).
func TestScenario12HangingBootsAreKilled(t *testing.T) {
	t.Parallel()
	p := start(t, setupEnv+"=hang-if-file:hang", "BOOT_TIMEOUT=1")
	addr := p.Up()
	old := p.WaitWorkers(2)
	writeFile(t, p, "hang")
	mark := p.Log.Mark()
	p.SignalPID(old[0], syscall.SIGKILL)

	notReady := testproc.Msg("worker did not get ready")
	var attempts []testproc.Line
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		attempts = p.Log.Lines(mark, notReady)
		return len(attempts) >= 2
	}, "two attempts are killed")
	if attempts[0].Int(testproc.KeyPID) == attempts[1].Int(testproc.KeyPID) {
		t.Errorf("the same pid failed twice: %s", attempts[1].Text)
	}
	p.WaitLog(mark, testproc.Msg("respawn delayed"), "the backoff is visible")
	showsSetup(t, p, attempts[0].Int(testproc.KeyPID))
	if pid := expectOK(t, testproc.Get(t, addr, "/pid")); pid != old[1] {
		t.Errorf("pid %d answered, want the healthy %d", pid, old[1])
	}
	removeFile(t, p, "hang")
	p.WaitWorkers(2)
	p.Stop(0)
}

func TestScenario13OneSlotStuckInBoot(t *testing.T) {
	t.Parallel()
	p := start(t, setupEnv+"=hang-if-slot:1", "BOOT_TIMEOUT=1")
	addr := p.Addr()
	p.WaitLog(0, testproc.About(testproc.MsgReady, testproc.KeySlot, 0), "slot 0 is ready")
	testproc.Get(t, addr, "/pid")
	healthy := p.Ready(0)[0].PID
	line := p.WaitLog(0, testproc.Msg("worker did not get ready", testproc.KeySlot, 1), "slot 1 is given up")
	p.WaitLog(0, testproc.Msg("respawn delayed"), "slot 1 backs off")
	showsSetup(t, p, line.Int(testproc.KeyPID))
	if pid := expectOK(t, testproc.Get(t, addr, "/pid")); pid != healthy {
		t.Errorf("pid %d answered, want %d", pid, healthy)
	}
	p.Stop(0)
}

func TestScenario14EveryBootHangs(t *testing.T) {
	t.Parallel()
	p := start(t, setupEnv+"=hang", "BOOT_TIMEOUT=1")
	begin := time.Now()
	p.ExpectExit(3)
	within(t, begin, 10*time.Second, "giving up")
	line := p.WaitLog(0, testproc.Msg("giving up"), "the reason")
	if !testproc.Text("boot_timeout")(line) {
		t.Errorf("the reason does not name boot_timeout: %s", line.Text)
	}
	for _, line := range p.Log.Lines(0, testproc.Msg("worker did not get ready")) {
		showsSetup(t, p, line.Int(testproc.KeyPID))
	}
}

// showsSetup checks that the record of a hanging boot shows where it hung.
func showsSetup(t *testing.T, p *testproc.Process, pid int) {
	t.Helper()
	line := p.WaitLog(0, died(pid), "the death of the hanging worker")
	if line.Str("cause") != "boot-timeout" {
		t.Errorf("the cause is %q: %s", line.Str("cause"), line.Text)
	}
	stack := p.WaitLog(0, testproc.Msg("stack of the dead worker", testproc.KeyPID, pid), "the first stack in the log")
	if !testproc.Text("misbehave", "testsetup_test.go:")(stack) {
		t.Errorf("the first stack is not the setup's: %s", stack.Text)
	}
	record := line.Str("record")
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return exists(record) }, "the record")
	for _, want := range []string{"Where: ", "misbehave at ", "testsetup_test.go:", "BOOT_TIMEOUT"} {
		if !contains(t, record, want) {
			t.Errorf("%s does not say %q", record, want)
		}
	}
}

func TestScenario15FirstBootFails(t *testing.T) {
	cases := map[string]struct {
		setup string
		code  int
		says  string
	}{
		"load fails":  {"fail", 4, "setup fails on request"},
		"load panics": {"panic", 4, "setup panics on request"},
		"exit":        {"exit:7", 3, "last words before the exit"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, setupEnv+"="+c.setup)
			addr := p.Addr()
			p.ExpectExit(c.code)
			line := p.WaitLog(0, testproc.Msg("giving up"), "the reason")
			if !testproc.Text(c.says)(line) {
				t.Errorf("the reason lacks the worker's own words %q: %s", c.says, line.Text)
			}
			if !testproc.Refuses("tcp", addr) {
				t.Error("the port still answers")
			}
		})
	}
}

// TestCrashLoopLeavesHealthyWorkersAlone is the rest of promise 4: once the
// service was up, no boot failure ends it.
func TestCrashLoopLeavesHealthyWorkersAlone(t *testing.T) {
	t.Parallel()
	p := start(t, setupEnv+"=exit-if-file:broken")
	addr := p.Up()
	old := p.WaitWorkers(2)
	load := testproc.StartLoad(t, testproc.Load{Addr: addr, Connecting: 1, Pace: 5 * time.Millisecond})
	writeFile(t, p, "broken")
	mark := p.Log.Mark()
	p.SignalPID(old[0], syscall.SIGKILL)
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		return len(p.Log.Lines(mark, testproc.Msg("respawn delayed"))) >= 3
	}, "three delayed respawns")
	if !slices.Contains(p.WorkerPIDs(), old[1]) {
		t.Errorf("the healthy worker %d is gone", old[1])
	}
	removeFile(t, p, "broken")
	p.WaitWorkers(2)
	if report := load.Stop(); report.Failed() > 1 { // the killed worker's request is lost
		t.Errorf("%v", report)
	}
	p.Stop(0)
}
