package main

import (
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// lastDeath is the first slot's that had one.
func lastDeath(s control.Status) string {
	for _, w := range s.Workers {
		if w.LastDeath != nil {
			return w.LastDeath.ID
		}
	}
	return ""
}

// The socket goes from master to master: no call fails in between. The way
// back works also when the program that ran before is no longer on the disk.
func TestControlAcrossUpgradeAndRollback(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, testproc.Options{})
	p.Up()
	client := control.New(socketOf(p))
	p.SignalPID(p.WorkerPIDs()[0], syscall.SIGKILL)
	var first control.Status
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		s, err := client.Status(t.Context())
		first = s
		return err == nil && s.Ready == 2 && lastDeath(s) != ""
	}, "a worker has died and is replaced")

	// Somebody looks all the time.
	stop, masters := make(chan struct{}), map[int]bool{}
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			s, err := client.Status(t.Context())
			if err != nil {
				t.Errorf("a look failed: %v", err)
				return
			}
			masters[s.PID] = true
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	must(t, p, "upgrade", "--wait")
	second := mustJSON[control.Status](t, p, "status")
	if second.PID == first.PID || second.Upgrades != 1 || second.Ready != 2 || second.Seq <= first.Seq {
		t.Errorf("after the upgrade: pid %d (before %d), %d upgrades, %d ready", second.PID, first.PID, second.Upgrades, second.Ready)
	}
	if id := lastDeath(second); id == "" || id != lastDeath(first) {
		t.Errorf("the upgrade makes the last death %q of %q", id, lastDeath(first))
	}
	if second.Upgrade == nil || second.Upgrade.Outcome != "done" {
		t.Errorf("the last upgrade is %+v", second.Upgrade)
	}
	p.WaitExit(testproc.Patience)

	// A deploy that went wrong.
	if err := os.Remove(p.Path("webchasor")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.Path("webchasor"), []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	refuses(t, p, "this master serves on", "upgrade", "--wait")
	if s := mustJSON[control.Status](t, p, "status"); s.PID != second.PID || s.Health.State != "ok" {
		t.Errorf("after the failed upgrade pid %d serves, %s; want %d", s.PID, s.Health.State, second.PID)
	}
	wants(t, must(t, p, "status"), "the last upgrade was failed")

	must(t, p, "rollback", "--wait")
	third := mustJSON[control.Status](t, p, "status")
	if third.PID == second.PID || third.Upgrades != 2 || third.Health.State != "ok" {
		t.Errorf("after the rollback: pid %d (before %d), %d upgrades, %s", third.PID, second.PID, third.Upgrades, third.Health.State)
	}
	p.OrphanExit(second.PID, testproc.Patience)
	close(stop)
	looking.Wait()
	for _, pid := range []int{first.PID, second.PID, third.PID} {
		if !masters[pid] && pid != third.PID {
			t.Errorf("master %d never answered", pid)
		}
	}
	wants(t, must(t, p, "events"), "master pid", "upgrade failed", "rollback done")
	stopOrphan(t, p, third.PID)
	if exists(socketOf(p)) {
		t.Error("the socket is left after the stop")
	}
}
