package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// smallMix is the standard load for a machine that runs many tests at once.
func smallMix(network, addr string) testproc.Mix {
	return testproc.Mix{
		Network: network, Addr: addr, Busy: 4, Thinking: 12, Connecting: 2, Streaming: 1,
		Pace: 2 * time.Millisecond, Think: 100 * time.Millisecond, Events: 5,
	}
}

// unnoticed starts the program on one kind of socket, has something happen to
// it under load, and fails when a client noticed: no failed request, no
// connection made anew.
func unnoticed(t *testing.T, network string, o testproc.Options, happen func(p *testproc.Process, load *testproc.Mixing)) testproc.MixReport {
	t.Helper()
	if o.App == "" {
		o.App = appFastHTTP
	}
	o.Env = append([]string{"KEEPALIVE=30", "WORKER_CONNECTIONS=200", "RECYCLE_INTERVAL=0"}, o.Env...)
	o.Dir = t.TempDir()
	if network == "unix" {
		o.Env = append(o.Env, "BIND=unix:"+o.Dir+"/s")
	}
	p := startCopy(t, o)
	addr := strings.TrimPrefix(p.Up(), "unix:")
	if network == "unix" {
		addr = o.Dir + "/s"
	}
	mix := smallMix(network, addr)
	load := testproc.StartMix(t, mix)
	load.WaitRequests(t, 200)
	happen(p, load)
	load.WaitRequests(t, 200)
	report := load.Stop()
	report.ExpectUnnoticed(t)
	if report.Streams == 0 && mix.Streaming > 0 {
		t.Errorf("no stream came to its end: %v", report)
	}
	wantNoLine(t, p, 0, testproc.Msg(testproc.MsgDied), "a worker died")
	return report
}

// overBoth runs a test over TCP and over a unix socket.
func overBoth(t *testing.T, test func(t *testing.T, network string)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			test(t, network)
		})
	}
}

func TestNobodyNoticesReloads(t *testing.T) {
	for _, kind := range []string{appFastHTTP, appNetHTTP} {
		t.Run(kind, func(t *testing.T) {
			overBoth(t, func(t *testing.T, network string) {
				report := unnoticed(t, network, testproc.Options{App: kind}, func(p *testproc.Process, load *testproc.Mixing) {
					for range 4 {
						mark := p.Log.Mark()
						p.Signal(syscall.SIGHUP)
						p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
						load.WaitRequests(t, 100)
					}
				})
				if len(report.PIDs) < 6 {
					t.Errorf("%d processes answered, want several generations of two", len(report.PIDs))
				}
			})
		})
	}
}

func TestNobodyNoticesRecycles(t *testing.T) {
	overBoth(t, func(t *testing.T, network string) {
		env := []string{"MAX_REQUESTS=60", "MAX_REQUESTS_JITTER=30"}
		unnoticed(t, network, testproc.Options{Env: env}, func(p *testproc.Process, _ *testproc.Mixing) {
			recycled := testproc.Msg("draining worker", "reason", "max_requests")
			testproc.Eventually(t, testproc.Patience, testproc.Every,
				func() bool { return len(p.Log.Lines(0, recycled)) >= 10 }, "ten recycles")
		})
	})
}

func TestNobodyNoticesUpgrades(t *testing.T) {
	overBoth(t, func(t *testing.T, network string) {
		unnoticed(t, network, testproc.Options{}, func(p *testproc.Process, load *testproc.Mixing) {
			master := p.PID()
			for range 2 {
				master = upgradeSoon(t, p, master)
				load.WaitRequests(t, 200)
			}
		})
	})
}

// upgradeSoon upgrades a master that may have become one only just now: it
// learns of its predecessor's exit a moment after the test does, and refuses until then.
func upgradeSoon(t *testing.T, p *testproc.Process, master int) int {
	t.Helper()
	testproc.Pause(300*time.Millisecond, nil)
	return upgrade(t, p, master)
}

// TestNobodyNoticesScaling removes a worker that has its share of the
// connections, and brings it back.
func TestNobodyNoticesScaling(t *testing.T) {
	overBoth(t, func(t *testing.T, network string) {
		env := []string{"WEB_WORKERS=3"}
		unnoticed(t, network, testproc.Options{Env: env}, func(p *testproc.Process, load *testproc.Mixing) {
			for range 4 {
				mark := p.Log.Mark()
				p.Signal(syscall.SIGTTOU)
				p.WaitLog(mark, testproc.Msg("draining worker"), "one worker fewer")
				load.WaitRequests(t, 100)
				p.Signal(syscall.SIGTTIN)
				p.WaitLog(mark, testproc.About(testproc.MsgReady), "one worker more")
				load.WaitRequests(t, 100)
			}
		})
	})
}

// TestSecondInstanceStealsNothing: an address in use stays refused, however
// the first instance's sockets share it among themselves.
func TestSecondInstanceStealsNothing(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=3")
	addr := p.Up()
	p.WaitWorkers(3)
	load := testproc.StartMix(t, testproc.Mix{Addr: addr, Busy: 1, Connecting: 4, Pace: 2 * time.Millisecond})
	load.WaitRequests(t, 50)
	second := start(t, "BIND="+addr)
	if code := second.WaitExit(testproc.Patience); code != 1 {
		t.Errorf("the second instance ended with %d, want 1", code)
	}
	wantLine(t, second, 0, testproc.Text("cannot bind "+addr, "port in use"), "the reason")
	load.WaitRequests(t, 50)
	report := load.Stop()
	report.ExpectUnnoticed(t)
	for pid := range report.PIDs {
		if proc, err := testproc.ReadProc(pid); err != nil || proc.Session != p.PID() {
			t.Errorf("pid %d answered, which is no worker of the first instance", pid)
		}
	}
	p.Stop(0)
}

// TestNobodyWaitsForAStoppedWorker: a second after a worker went silent, no new
// connection waits for it.
func TestNobodyWaitsForAStoppedWorker(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_TIMEOUT=20", "WEB_WORKERS=3")
	addr := p.Up()
	workers := p.WaitWorkers(3)
	p.Freeze(workers[0])
	testproc.Pause(time.Second, nil)
	load := testproc.StartMix(t, testproc.Mix{Addr: addr, Connecting: 6, Pace: time.Millisecond, Timeout: 5 * time.Second})
	load.WaitRequests(t, 300)
	report := load.Stop()
	if report.Failed() > 0 || report.PIDs[workers[0]] > 0 {
		t.Errorf("%v", report)
	}
	p.SignalPID(workers[0], syscall.SIGCONT)
	p.Stop(0)
}
