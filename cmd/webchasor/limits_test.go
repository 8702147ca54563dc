package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestScenario28FullWorkerLeavesRoomToOthers fills one worker and expects the
// other to answer everything; nobody is told 503.
func TestScenario28FullWorkerLeavesRoomToOthers(t *testing.T) {
	t.Parallel()
	const limit = 3
	p := start(t, fmt.Sprintf("WORKER_CONNECTIONS=%d", limit))
	addr := p.Up()
	p.WaitWorkers(2)
	held := map[string]int{} // connections under way, by worker
	full := ""
	for full == "" {
		client := testproc.Client{Addr: addr}
		defer client.Close()
		events := client.Stream(t, "GET", "/stream?n=1000&every=20", "")
		pid := events.Header.Get(testproc.PIDHeader)
		if held[pid]++; held[pid] == limit {
			full = pid
		}
	}
	if len(held) == 2 {
		// The other one may be full but for one connection; that is enough.
		t.Logf("held %v", held)
	}
	report := testproc.StartLoad(t, testproc.Load{Addr: addr, Connecting: 1, Requests: 40}).Wait()
	report.ExpectClean(t)
	if report.PIDs[full] > 0 {
		t.Errorf("the full worker %s answered %d requests", full, report.PIDs[full])
	}
	p.Signal(syscall.SIGINT)
	p.ExpectExit(0)
}

// TestScenario29NothingLeaksOverReloads counts the master's descriptors and threads.
func TestScenario29NothingLeaksOverReloads(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=6")
	p.Up()
	old := p.WaitWorkers(6)
	reload := func() {
		t.Helper()
		mark := p.Log.Mark()
		p.Signal(syscall.SIGHUP)
		p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
		old = p.WaitReplaced(old, 6)
	}
	for range 2 { // the pools and threads that every master grows
		reload()
	}
	before, threads := openFiles(t, p), threadsOf(t, p)
	for range 8 {
		reload()
	}
	// What a reload closes is closed soon after it, not before it is announced.
	var after []string
	settled := testproc.Poll(testproc.Patience/4, testproc.Every, func() bool {
		after = openFiles(t, p)
		return len(after) <= len(before)
	})
	if !settled {
		t.Errorf("descriptors grew from %d to %d:\n%s", len(before), len(after), strings.Join(after, "\n"))
	}
	if now := threadsOf(t, p); now > threads+4 {
		t.Errorf("threads grew from %d to %d", threads, now)
	}
	p.Stop(0)
}

func openFiles(t *testing.T, p *testproc.Process) []string {
	t.Helper()
	fds, err := testproc.Descriptors(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for fd, target := range fds {
		list = append(list, fmt.Sprintf("%d %s", fd, target))
	}
	return list
}

func threadsOf(t *testing.T, p *testproc.Process) int {
	t.Helper()
	proc, err := testproc.ReadProc(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	return proc.Threads
}

// TestWorkerInheritsOnlyItsOwn: no descriptor of the master, no private variable.
func TestWorkerInheritsOnlyItsOwn(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1", "NOTIFY_SOCKET=@nobody", "LISTEN_PID=1", "WATCHDOG_USEC=1000000")
	p.Up()
	worker := p.WaitWorkers(1)[0]
	for _, key := range []string{"NOTIFY_SOCKET", "LISTEN_PID", "WATCHDOG_USEC", "TABLEFLIP_HAS_PARENT_7DIU3"} {
		if value, there := testproc.Environ(worker, key); there {
			t.Errorf("the worker inherited %s=%s", key, value)
		}
	}
	if first, second := fileCount(t, worker), func() int {
		p.SignalPID(worker, syscall.SIGKILL)
		return fileCount(t, p.WaitReplaced([]int{worker}, 1)[0])
	}(); second > first {
		t.Errorf("a later worker has %d descriptors, the first had %d", second, first)
	}
	p.Stop(0)
}

func fileCount(t *testing.T, pid int) int {
	t.Helper()
	fds, err := testproc.Descriptors(pid)
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}
