package main

import (
	"slices"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

const (
	msgReloaded   = "reloaded"
	msgRejected   = "reload rejected; the old configuration serves on"
	msgRolledBack = "reload rolled back; the old configuration serves on"
)

func TestScenario03HupReplacesEveryWorker(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	old := p.WaitWorkers(2)
	mark := p.Log.Mark()
	p.Signal(syscall.SIGHUP)
	p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
	now := p.WaitReplaced(old, 2)
	if pid := expectOK(t, testproc.Get(t, addr, "/pid")); !slices.Contains(now, pid) {
		t.Errorf("pid %d answered, want one of %v", pid, now)
	}
	if masters := p.MasterPIDs(); !slices.Equal(masters, []int{p.PID()}) {
		t.Errorf("masters %v, want only %d", masters, p.PID())
	}
	p.Stop(0)
}

// TestHupToEveryProcessIsOneReload is `pkill -HUP webchasor`.
func TestHupToEveryProcessIsOneReload(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.Up()
	old := p.WaitWorkers(2)
	mark := p.Log.Mark()
	p.SignalAll(syscall.SIGHUP)
	p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
	p.WaitReplaced(old, 2)
	p.Stop(0)
	if n := len(p.Log.Lines(mark, testproc.Msg(msgReloaded))); n != 1 {
		t.Errorf("%d reloads, want 1", n)
	}
	wantNoLine(t, p, mark, testproc.Msg(testproc.MsgDied), "a worker died of SIGHUP")
}

func TestScenario05ReloadUnderLoad(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			env := []string{"WORKER_CONNECTIONS=100"}
			if network == "unix" {
				env = append(env, "BIND=unix:"+dir+"/s")
			}
			p := startWith(t, testproc.Options{App: appFastHTTP, Dir: dir, Env: env})
			addr := p.Up()
			if network == "unix" {
				addr = dir + "/s"
			}
			old := p.WaitWorkers(2)
			load := testproc.StartLoad(t, testproc.Load{
				Network: network, Addr: addr, Busy: 4, Thinking: 2, Connecting: 2,
				Pace: 2e6, Think: 100e6,
			})
			for range 3 {
				mark := p.Log.Mark()
				load.WaitRequests(50)
				p.Signal(syscall.SIGHUP)
				p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
				old = p.WaitReplaced(old, 2)
			}
			load.WaitRequests(50)
			report := load.Stop()
			report.ExpectClean(t)
			if len(report.PIDs) < 4 {
				t.Errorf("%d processes answered, want at least two generations of two", len(report.PIDs))
			}
			if report.IdleClosed > 0 {
				t.Errorf("%d connections were closed without notice", report.IdleClosed)
			}
			p.Stop(0)
		})
	}
}

func TestScenario24GarbageConfigIsRejected(t *testing.T) {
	cases := map[string]string{
		"unparsable": "server: [\n",
		"unknown":    "server:\n  worker_conections: 5\n",
		"absurd":     "server:\n  workers: -3\n",
		"empty":      "",
	}
	for name, garbage := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const good = "server:\n  worker_connections: 50\n"
			p := startWith(t, testproc.Options{App: appFastHTTP, Config: good})
			addr := p.Up()
			old := p.WaitWorkers(2)

			mark := p.Log.Mark()
			p.WriteFile("webchasor.yaml", garbage)
			p.Signal(syscall.SIGHUP)
			line := p.WaitLog(mark, testproc.Msg(msgRejected), "the reload is rejected")
			if !testproc.Text("webchasor.yaml")(line) {
				t.Errorf("the reason does not name the file: %s", line.Text)
			}
			if now := p.WaitWorkers(2); !slices.Equal(now, old) {
				t.Errorf("workers %v became %v", old, now)
			}
			testproc.Get(t, addr, "/pid")

			mark = p.Log.Mark()
			p.WriteFile("webchasor.yaml", "server:\n  worker_connections: 60\n")
			p.Signal(syscall.SIGHUP)
			p.WaitLog(mark, testproc.Msg(msgReloaded), "a good reload commits")
			p.WaitReplaced(old, 2)
			wantLine(t, p, mark, testproc.Text("setting changes", "worker_connections", "60"), "the change is named")
			p.Stop(0)
		})
	}
}

// TestScenario25CrashingGenerationRollsBack has workers of the new generation
// that fail in every way a worker can fail at boot.
func TestScenario25CrashingGenerationRollsBack(t *testing.T) {
	cases := map[string]string{
		"fails":  "fail-if-file:broken",
		"panics": "panic-if-file:broken",
		"exits":  "exit-if-file:broken",
		"hangs":  "hang-if-file:broken",
	}
	for name, setup := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := []string{setupEnv + "=" + setup}
			if name == "hangs" {
				env = append(env, "BOOT_TIMEOUT=2")
			}
			p := start(t, env...)
			addr := p.Up()
			old := p.WaitWorkers(2)
			load := testproc.StartLoad(t, testproc.Load{Addr: addr, Busy: 1, Connecting: 1, Pace: 5e6})

			mark := p.Log.Mark()
			writeFile(t, p, "broken")
			p.Signal(syscall.SIGHUP)
			p.WaitLog(mark, testproc.Msg(msgRolledBack), "the reload is rolled back")
			if now := p.WaitWorkers(2); !slices.Equal(now, old) {
				t.Errorf("workers %v became %v", old, now)
			}

			mark = p.Log.Mark()
			removeFile(t, p, "broken")
			p.Signal(syscall.SIGHUP)
			p.WaitLog(mark, testproc.Msg(msgReloaded), "a good reload commits")
			p.WaitReplaced(old, 2)
			load.Stop().ExpectClean(t)
			p.Stop(0)
		})
	}
}
