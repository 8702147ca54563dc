package main

import (
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestScenario34UnixPathAndPidfile: whatever happens to an upgrade, the path
// answers and the pidfile names the master that serves; both are gone in the end.
func TestScenario34UnixPathAndPidfile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	options := testproc.Options{App: appFastHTTP, Dir: dir, Env: []string{
		"BIND=unix:s?mode=0640", "PIDFILE=pid", setupEnv + "=hold",
	}}
	p := startUpgradable(t, options)
	p.Up()
	serves := func(master int, when string) {
		t.Helper()
		client := testproc.Client{Network: "unix", Addr: dir + "/s", Fresh: true, Timeout: testproc.Patience}
		if res := client.Get("/pid"); res.Outcome != testproc.OK {
			t.Errorf("%s: the path does not answer: %v", when, res)
		}
		expectPidfile(t, p, master)
	}
	first := p.PID()
	serves(first, "at the start")
	if info, err := os.Stat(dir + "/s"); err != nil || info.Mode() != fs.ModeSocket|0o640 {
		t.Errorf("the path is %v, %v", info.Mode(), err)
	}

	// The new master is killed before it is ready.
	writeFile(t, p, "hold")
	mark := p.Log.Mark()
	p.Signal(syscall.SIGUSR2)
	young := 0
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		for _, pid := range p.MasterPIDs() {
			if pid != first {
				young = pid
			}
		}
		return young != 0
	}, "a new master begins")
	p.SignalPID(young, syscall.SIGKILL)
	p.WaitLog(mark, testproc.Msg("upgrade failed; this master serves on"), "the upgrade fails")
	removeFile(t, p, "hold")
	serves(first, "after the new master was killed")

	// The old master leaves.
	second := upgrade(t, p, first)
	serves(second, "after the upgrade")
	if code := p.WaitExit(testproc.Patience); code != 0 {
		t.Errorf("the first master ended with %d", code)
	}
	serves(second, "after the old master has left")

	// The new one is killed when it serves; what it leaves is stale, and is replaced.
	p.SignalPID(second, syscall.SIGKILL)
	p.WaitPIDGone(second, testproc.Patience)
	p = startWith(t, options)
	p.Up()
	serves(p.PID(), "after a kill and a new start")
	p.Stop(0)
	for _, name := range []string{"s", "pid"} {
		if exists(dir + "/" + name) {
			t.Errorf("%s is left after the stop", name)
		}
	}
}
