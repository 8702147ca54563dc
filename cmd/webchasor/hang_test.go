package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// timedOut matches the guide's line about a worker that hangs.
func timedOut(pid int) testproc.Match {
	return testproc.Msg(fmt.Sprintf("Worker timeout (pid:%d)", pid))
}

// TestScenario16SilentWorkerIsReplaced has a worker whose process no longer
// schedules anything: one processor, no preemption, an endless loop.
func TestScenario16SilentWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_TIMEOUT=1", "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
	addr := p.Up()
	old := p.WaitWorkers(2)
	mark := p.Log.Mark()
	background(addr, "/spin?touch=begun")
	begun(t, p, "begun")
	line := p.WaitLog(mark, testproc.Text("Worker timeout (pid:"), "the timeout of the silent worker")
	silent := line.Int(testproc.KeyPID)
	if !slices.Contains(old, silent) {
		t.Fatalf("pid %d is blamed, want one of %v", silent, old)
	}
	p.WaitLog(mark, died(silent), "its death")
	now := p.WaitWorkers(2)
	disjoint(t, now, []int{silent})
	testproc.Get(t, addr, "/pid")
	record := onlyRecord(t, p)
	for _, want := range []string{"/spin", "SIGABRT"} {
		if !contains(t, record, want) {
			t.Errorf("%s does not say %q", filepath.Base(record), want)
		}
	}
	p.Stop(0)
}

// TestScenario16StoppedWorkerIsKilled is the worker that cannot even write its
// stacks: the record says so.
func TestScenario16StoppedWorkerIsKilled(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_TIMEOUT=1")
	addr := p.Up()
	old := p.WaitWorkers(2)
	mark := p.Log.Mark()
	p.Freeze(old[0])
	p.WaitLog(mark, testproc.Msg("worker is silent", testproc.KeyPID, old[0]), "the suspicion")
	p.WaitLog(mark, timedOut(old[0]), "the timeout")
	p.WaitLog(mark, died(old[0]), "the death")
	now := p.WaitWorkers(2)
	if !slices.Contains(now, old[1]) {
		t.Errorf("the healthy worker %d was replaced too: %v", old[1], now)
	}
	testproc.Get(t, addr, "/pid")
	if record := onlyRecord(t, p); !contains(t, record, "SIGKILL") {
		t.Errorf("%s does not say why there are no stacks", filepath.Base(record))
	}
	p.Stop(0)
}

func TestScenario17IdleWorkersLive(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_TIMEOUT=1")
	addr := p.Up()
	old := p.WaitWorkers(2)
	testproc.Holds(t, 2*time.Second, 50*time.Millisecond,
		func() bool { return slices.Equal(p.WorkerPIDs(), old) }, "idle workers live longer than the timeout")
	if pid := expectOK(t, testproc.Get(t, addr, "/pid")); !slices.Contains(old, pid) {
		t.Errorf("pid %d answered, want one of %v", pid, old)
	}
	wantNoLine(t, p, 0, testproc.Text("Worker timeout"), "an idle worker was blamed")
	p.Stop(0)
}

func TestScenario18RequestBlocksForever(t *testing.T) {
	for _, kind := range []string{appFastHTTP, appNetHTTP} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := startWith(t, testproc.Options{App: kind, Env: []string{
				"WEB_WORKERS=1", "WORKER_TIMEOUT=1", "GRACEFUL_TIMEOUT=1",
			}})
			addr := p.Up()
			old := p.WaitWorkers(1)
			mark := p.Log.Mark()
			client := testproc.Client{Addr: addr}
			defer client.Close()
			res := client.Get("/block")
			expectTimeoutAnswer(t, res)
			if res.Elapsed < time.Second {
				t.Errorf("answered after %v, before the timeout", res.Elapsed)
			}
			p.WaitLog(mark, timedOut(old[0]), "the worker with the stuck handler is given up")
			now := p.WaitReplaced(old, 1)
			if pid := expectOK(t, testproc.Get(t, addr, "/pid")); pid != now[0] {
				t.Errorf("pid %d answered, want %d", pid, now[0])
			}
			record := onlyRecord(t, p)
			for _, want := range []string{"/block", "testapp_test.go"} {
				if !contains(t, record, want) {
					t.Errorf("%s does not say %q", filepath.Base(record), want)
				}
			}
			p.Stop(0)
		})
	}
}

// expectTimeoutAnswer checks the watchdog's 503.
func expectTimeoutAnswer(t *testing.T, res testproc.Result) {
	t.Helper()
	if res.Status != 503 || !res.Closing || res.Header.Get("Retry-After") == "" ||
		!strings.Contains(res.Body, `"error"`) {
		t.Errorf("want a 503 with an error, Retry-After and Connection: close, got %v %v", res, res.Header)
	}
}

// TestScenario19EveryConnectionOfAWorkerStuck: the process beats happily while
// nothing in it can serve.
func TestScenario19EveryConnectionOfAWorkerStuck(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_CONNECTIONS=3", "WORKER_TIMEOUT=1", "GRACEFUL_TIMEOUT=1")
	addr := p.Up()
	old := p.WaitWorkers(2)
	var stuck []<-chan testproc.Result
	for range 6 {
		stuck = append(stuck, background(addr, "/mutex"))
	}
	for _, answer := range stuck {
		expectTimeoutAnswer(t, <-answer)
	}
	p.WaitReplaced(old, 2)
	testproc.Get(t, addr, "/pid")
	p.Stop(0)
}

func TestScenario20SuspendedMasterKillsNobody(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_TIMEOUT=1")
	addr := p.Up()
	old := p.WaitWorkers(2)
	load := testproc.StartLoad(t, testproc.Load{Addr: addr, Busy: 1, Pace: 5 * time.Millisecond})
	mark := p.Log.Mark()
	p.Signal(syscall.SIGSTOP)
	testproc.Holds(t, 2*time.Second, 50*time.Millisecond,
		func() bool { return slices.Equal(p.WorkerPIDs(), old) }, "workers live without their master")
	p.Signal(syscall.SIGCONT)
	testproc.Holds(t, 1500*time.Millisecond, 50*time.Millisecond,
		func() bool { return slices.Equal(p.WorkerPIDs(), old) }, "the master blames nobody for its own sleep")
	wantNoLine(t, p, mark, testproc.Text("Worker timeout"), "a worker was blamed")
	load.Stop().ExpectClean(t)
	p.Stop(0)
}

// TestEverybodySuspended is a laptop that sleeps.
func TestEverybodySuspended(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_TIMEOUT=1")
	addr := p.Up()
	old := p.WaitWorkers(2)
	mark := p.Log.Mark()
	p.SignalAll(syscall.SIGSTOP)
	testproc.Pause(2*time.Second, nil)
	p.SignalAll(syscall.SIGCONT)
	testproc.Holds(t, 1500*time.Millisecond, 50*time.Millisecond,
		func() bool { return slices.Equal(p.WorkerPIDs(), old) }, "nobody is blamed")
	wantNoLine(t, p, mark, testproc.Text("Worker timeout"), "a worker was blamed")
	testproc.Get(t, addr, "/pid")
	p.Stop(0)
}

// TestScenario21HardDeadline has a handler that listens to nothing: the client
// is answered at the soft deadline, the process ends at the hard one, and
// nobody else notices.
func TestScenario21HardDeadline(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_TIMEOUT=1", "GRACEFUL_TIMEOUT=1")
	addr := p.Up()
	old := p.WaitWorkers(2)
	mark := p.Log.Mark()
	load := testproc.StartLoad(t, testproc.Load{Addr: addr, Connecting: 2, Pace: 5 * time.Millisecond})
	res := <-background(addr, "/spin")
	expectTimeoutAnswer(t, res)
	line := p.WaitLog(mark, testproc.Text("Worker timeout (pid:"), "the worker is given up")
	stuck := line.Int(testproc.KeyPID)
	p.WaitLog(mark, died(stuck), "the worker's end")
	now := p.WaitWorkers(2)
	disjoint(t, now, []int{stuck})
	for _, pid := range old {
		if pid != stuck && !slices.Contains(now, pid) {
			t.Errorf("the healthy worker %d was replaced too: %v", pid, now)
		}
	}
	load.Stop().ExpectClean(t)
	if record := onlyRecord(t, p); !contains(t, record, "testapp_test.go") {
		t.Errorf("%s does not show the handler that spins", filepath.Base(record))
	}
	p.Stop(0)
}

// TestContextEndsWithTheTimeout: a handler that listens keeps its worker.
func TestContextEndsWithTheTimeout(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1", "WORKER_TIMEOUT=1")
	addr := p.Up()
	old := p.WaitWorkers(1)
	mark := p.Log.Mark()
	expectTimeoutAnswer(t, <-background(addr, "/wait?ms=20000&cause=cause"))
	begun(t, p, "cause")
	if !contains(t, p.Path("cause"), "timed out") {
		t.Error("the context's cause is not the timeout")
	}
	testproc.Holds(t, time.Second, 50*time.Millisecond,
		func() bool { return slices.Equal(p.WorkerPIDs(), old) }, "the worker lives on")
	wantNoLine(t, p, mark, timedOut(old[0]), "the worker was blamed")
	p.Stop(0)
}

// TestContextEndsWithTheClient: FIN and RST both end the request's context.
func TestContextEndsWithTheClient(t *testing.T) {
	for name, leave := range map[string]func(*testproc.Raw){
		"close": (*testproc.Raw).Close, "reset": (*testproc.Raw).Reset,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "WEB_WORKERS=1")
			client := testproc.Dial(t, p.Up())
			client.Send(testproc.Request("/wait?ms=20000&touch=begun&cause=cause"))
			begun(t, p, "begun")
			leave(client)
			begun(t, p, "cause")
			if !contains(t, p.Path("cause"), "gone") {
				t.Error("the context's cause is not the client's leaving")
			}
			p.Stop(0)
		})
	}
}

// TestStreamWithProgressIsNotCut: the timeout counts from the last progress.
func TestStreamWithProgressIsNotCut(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_TIMEOUT=0.5")
	client := testproc.Client{Addr: p.Up()}
	defer client.Close()
	events := client.Stream(t, "GET", "/stream?n=15&every=100", "")
	if n, last, err := events.Count(-1); n != 15 || last != "[DONE]" || err != nil {
		t.Errorf("got %d events, then %q and %v", n, last, err)
	}
	p.Stop(0)
}

// TestScenario16SpinningStackIsKept: the goroutine that runs while the process
// is asked for its stacks is the one that matters.
func TestScenario16SpinningStackIsKept(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1", "WORKER_TIMEOUT=1", "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
	addr := p.Up()
	old := p.WaitWorkers(1)
	background(addr, "/spin")
	p.WaitLog(0, died(old[0]), "the death of the silent worker")
	if record := onlyRecord(t, p); !contains(t, record, "testapp_test.go") {
		t.Errorf("%s does not show the handler that spins", filepath.Base(record))
	}
	p.Stop(0)
}
