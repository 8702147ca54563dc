package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

const msgUpgraded = "upgraded: the new master serves, this one leaves"

// startUpgradable starts a copy of the test binary, which a test may replace.
func startUpgradable(t *testing.T, o testproc.Options) *testproc.Process {
	t.Helper()
	if o.App == "" {
		o.App = appFastHTTP
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.Binary = o.Dir + "/webchasor"
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if os.Link(self, o.Binary) != nil { // another file system
		data, err := os.ReadFile(self)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(o.Binary, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return startWith(t, o)
}

// upgrade upgrades the given master and returns the new one's pid.
func upgrade(t *testing.T, p *testproc.Process, master int) int {
	t.Helper()
	mark := p.Log.Mark()
	p.SignalPID(master, syscall.SIGUSR2)
	p.WaitLog(mark, testproc.Msg(msgUpgraded), "the upgrade succeeds")
	var masters []int
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		masters = p.MasterPIDs()
		return len(masters) == 1 && masters[0] != master
	}, "one master is left, and it is new")
	return masters[0]
}

func TestScenario04UpgradeUnderPosts(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, testproc.Options{Env: []string{"PIDFILE=pid"}})
	addr := p.Up()
	expectPidfile(t, p, p.PID())
	load := testproc.StartLoad(t, testproc.Load{
		Addr: addr, Busy: 5, Connecting: 5, Pace: 5 * time.Millisecond,
		Method: "POST", Path: "/body", Body: strings.Repeat("x", 16<<10),
	})
	load.WaitRequests(100)
	second := upgrade(t, p, p.PID())
	expectPidfile(t, p, second)
	if code := p.WaitExit(testproc.Patience); code != 0 {
		t.Errorf("the first master ended with %d", code)
	}
	load.WaitRequests(100)
	third := upgrade(t, p, second)
	if code := p.OrphanExit(second, testproc.Patience); code != 0 {
		t.Errorf("the second master ended with %d", code)
	}
	expectPidfile(t, p, third)
	load.WaitRequests(100)
	report := load.Stop()
	report.ExpectClean(t)
	if len(report.PIDs) < 4 {
		t.Errorf("%d processes answered, want workers of several masters", len(report.PIDs))
	}
	stopOrphan(t, p, third)
	if exists(p.Path("pid")) {
		t.Error("the pidfile is left after the stop")
	}
}

// stopOrphan stops a master that is not the one the test started.
func stopOrphan(t *testing.T, p *testproc.Process, master int) {
	t.Helper()
	p.SignalPID(master, syscall.SIGTERM)
	if code := p.OrphanExit(master, testproc.Patience); code != 0 {
		t.Errorf("master %d ended with %d", master, code)
	}
	p.ExpectEmpty()
}

func expectPidfile(t *testing.T, p *testproc.Process, want int) {
	t.Helper()
	data, err := os.ReadFile(p.Path("pid"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(data)); got != strconv.Itoa(want) {
		t.Errorf("the pidfile names %s, want %d", got, want)
	}
}

// TestUpgradeTwiceUnderALongStream: the first master's workers finish their
// stream while two upgrades go by.
func TestUpgradeTwiceUnderALongStream(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, testproc.Options{})
	client := testproc.Client{Addr: p.Up()}
	defer client.Close()
	const n = 60
	events := client.Stream(t, "GET", "/stream?every=100&n="+strconv.Itoa(n), "")
	if got, _, err := events.Count(1); got != 1 || err != nil {
		t.Fatalf("the stream does not begin: %d events, %v", got, err)
	}
	second := upgrade(t, p, p.PID())
	third := upgrade(t, p, second)
	if got, last, err := events.Count(-1); got != n || last != "[DONE]" || err != nil {
		t.Errorf("%d of %d events, then %q and %v", got, n, last, err)
	}
	stopOrphan(t, p, third)
}

func TestScenario31SecondUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, testproc.Options{Env: []string{setupEnv + "=slow-if-file:slow"}})
	addr := p.Up()
	writeFile(t, p, "slow")
	mark := p.Log.Mark()
	p.Signal(syscall.SIGUSR2)
	p.WaitLog(mark, testproc.Msg("upgrading"), "the upgrade begins")
	p.Signal(syscall.SIGUSR2)
	p.WaitLog(mark, testproc.Both(testproc.Level("warn"), testproc.Text("upgrade refused", "in progress")), "the refusal")
	p.WaitLog(mark, testproc.Msg(msgUpgraded), "the first upgrade succeeds")
	testproc.Get(t, addr, "/pid")
	if code := p.WaitExit(testproc.Patience); code != 0 {
		t.Errorf("the old master ended with %d", code)
	}
	masters := p.MasterPIDs()
	if len(masters) != 1 {
		t.Fatalf("masters %v, want one", masters)
	}
	stopOrphan(t, p, masters[0])
}

// TestScenario32BadBinaryChangesNothing replaces the program by one that
// exits, one that never gets ready, and one whose workers do not boot.
func TestScenario32BadBinaryChangesNothing(t *testing.T) {
	cases := map[string]string{
		"exits":       "#!/bin/sh\nexit 9\n",
		"never ready": "#!/bin/sh\nexec sleep 300\n",
		"no program":  "not a program\n",
		"bad workers": "",
	}
	for name, script := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startUpgradable(t, testproc.Options{Env: []string{"BOOT_TIMEOUT=2", "PIDFILE=pid", setupEnv + "=fail-if-file:broken"}})
			addr := p.Up()
			old := p.WaitWorkers(2)
			if script == "" {
				writeFile(t, p, "broken")
			} else {
				p.WriteFile("webchasor", script)
				if err := os.Chmod(p.Path("webchasor"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			load := testproc.StartLoad(t, testproc.Load{Addr: addr, Busy: 1, Connecting: 1, Pace: 5 * time.Millisecond})
			mark := p.Log.Mark()
			p.Signal(syscall.SIGUSR2)
			p.WaitLog(mark, testproc.Text("upgrade failed; this master serves on"), "the upgrade fails")
			testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
				return slices.Equal(p.MasterPIDs(), []int{p.PID()}) && slices.Equal(p.WorkerPIDs(), old)
			}, "the old master and its workers are all that is left")
			expectPidfile(t, p, p.PID())
			load.WaitRequests(20)
			load.Stop().ExpectClean(t)
			// What runs is still what was started: a replaced worker is, too.
			p.SignalPID(old[0], syscall.SIGKILL)
			if script != "" {
				p.WaitReplaced(old[:1], 2)
			}
			testproc.Get(t, addr, "/pid")
			p.Stop(0)
		})
	}
}

func TestScenario33StopCallsAnUpgradeOff(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, testproc.Options{Env: []string{setupEnv + "=hang-if-file:hang"}})
	addr := p.Up()
	writeFile(t, p, "hang")
	mark := p.Log.Mark()
	p.Signal(syscall.SIGUSR2)
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		return len(p.MasterPIDs()) == 2 && len(p.WorkerPIDs()) == 4
	}, "the new master has started its workers")
	p.Signal(syscall.SIGTERM)
	p.ExpectExit(0)
	wantNoLine(t, p, mark, testproc.Msg(msgUpgraded), "the upgrade was called off")
	if !testproc.Refuses("tcp", addr) {
		t.Error("the port still answers")
	}
}
