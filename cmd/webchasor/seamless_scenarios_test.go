package main

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// startCopy starts a copy of the test binary in o.Dir, as an upgrade needs.
func startCopy(t *testing.T, o testproc.Options) *testproc.Process {
	t.Helper()
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
		if err := os.WriteFile(o.Binary, data, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return startWith(t, o)
}

// TestScenario04UpgradeKeepsConnections: ten clients post 300 times 16 KB each
// over the same connection while the program is upgraded twice.
func TestScenario04UpgradeKeepsConnections(t *testing.T) {
	t.Parallel()
	const clients, posts = 10, 300
	p := startCopy(t, testproc.Options{App: appFastHTTP, Dir: t.TempDir(), Env: []string{"KEEPALIVE=30"}})
	load := testproc.StartLoad(t, testproc.Load{
		Addr: p.Up(), Busy: clients, Pace: 3 * time.Millisecond, Requests: posts,
		Method: "POST", Path: "/body", Body: strings.Repeat("x", 16<<10),
	})
	load.WaitRequests(clients * posts / 6)
	second := upgrade(t, p, p.PID())
	load.WaitRequests(clients * posts / 6)
	upgradeSoon(t, p, second)
	report := load.Wait()
	report.ExpectClean(t)
	if report.Requests != clients*posts || len(report.PIDs) < 4 {
		t.Errorf("%d requests from %d processes, want %d from several masters' workers", report.Requests, len(report.PIDs), clients*posts)
	}
	if report.Connects != clients {
		t.Errorf("%d connections for %d clients: %v", report.Connects, clients, report)
	}
}

// TestScenario35DeathDuringAnUpgrade kills a worker of either master while an
// upgrade is under way: it finishes all the same, and the count is right.
func TestScenario35DeathDuringAnUpgrade(t *testing.T) {
	for name, ofNew := range map[string]bool{"old worker": false, "new worker": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A slow start leaves a window to kill in.
			p := startCopy(t, testproc.Options{App: appFastHTTP, Dir: t.TempDir(), Env: []string{
				setupEnv + "=slow-if-file:slow",
			}})
			addr := p.Up()
			old := p.WaitWorkers(2)
			writeFile(t, p, "slow")
			mark := p.Log.Mark()
			p.Signal(syscall.SIGUSR2)
			var fresh []int
			testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
				fresh = slices.DeleteFunc(p.WorkerPIDs(), func(pid int) bool { return slices.Contains(old, pid) })
				return len(fresh) == 2
			}, "the new master has started its workers")
			victim := old[0]
			if ofNew {
				victim = fresh[0]
			}
			p.SignalPID(victim, syscall.SIGKILL)
			p.WaitLog(mark, testproc.Msg(msgUpgraded), "the upgrade succeeds")
			testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return len(p.MasterPIDs()) == 1 }, "one master is left")
			now := p.WaitReplaced(append(old, victim), 2)
			testproc.Holds(t, 300*time.Millisecond, 20*time.Millisecond,
				func() bool { return slices.Equal(p.WorkerPIDs(), now) }, "the two workers stay")
			if pid := expectOK(t, testproc.Get(t, addr, "/pid")); !slices.Contains(now, pid) {
				t.Errorf("pid %d answered, want one of %v", pid, now)
			}
			s := mustJSON[control.Status](t, p, "status")
			for _, w := range s.Workers {
				if !slices.Contains(now, w.PID) {
					t.Errorf("the status lists a ghost: %+v", w)
				}
			}
			for _, o := range s.Orphans {
				if o.PID == victim {
					t.Errorf("the status lists the dead worker among those that were left behind: %+v", o)
				}
			}
			stopOrphan(t, p, p.MasterPIDs()[0])
		})
	}
}
