package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// TestShareFollowsTheNumberOfWorkers: workers that live get a smaller part of cores and
// memory when another one comes, and the larger one back when it goes.
func TestShareFollowsTheNumberOfWorkers(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1", "GOMAXPROCS", "GOMEMLIMIT")
	addr := p.Up()
	first := p.WaitWorkers(1)[0]
	cores := runtime.GOMAXPROCS(0)
	memory := limitMemory(t, p.PID(), 1<<30)
	part := func(workers int) (int, int64) {
		if memory == 0 {
			return max(1, (cores+workers-1)/workers), math.MaxInt64
		}
		return max(1, (cores+workers-1)/workers), (memory - memory/10) / int64(workers)
	}
	wantShare := func(pids []int, workers int) {
		t.Helper()
		wantCores, wantMemory := part(workers)
		for _, pid := range pids {
			testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
				gotCores, gotMemory := shareOfWorker(t, addr, pid)
				return gotCores == wantCores && gotMemory == wantMemory
			}, fmt.Sprintf("worker %d of %d has %d cores and %d bytes", pid, workers, wantCores, wantMemory))
		}
	}
	p.Signal(syscall.SIGTTIN)
	wantShare(p.WaitWorkers(2), 2)
	s := mustJSON[control.Status](t, p, "status", "--json")
	if c, m := part(2); s.Share == nil || s.Share.Cores != c || memory > 0 && s.Share.Memory != m {
		t.Errorf("the status says %+v", s.Share)
	}
	p.Signal(syscall.SIGTTOU)
	wantShare(p.WaitWorkers(1), 1)
	if now := p.WaitWorkers(1)[0]; now != first {
		t.Errorf("worker %d was replaced by %d", first, now)
	}
	p.Stop(0)
}

// shareOfWorker asks until this worker answers.
func shareOfWorker(t *testing.T, addr string, pid int) (cores int, memory int64) {
	t.Helper()
	client := testproc.Client{Addr: addr, Fresh: true}
	for range 200 {
		res := client.Get("/share")
		if expectOK(t, res) != pid {
			continue
		}
		if _, err := fmt.Sscan(res.Body, &cores, &memory); err != nil {
			t.Fatal(err)
		}
		return cores, memory
	}
	return 0, 0
}

// limitMemory moves a process into a cgroup of its own with a limit, and returns what
// binds it then; 0 if it may not, or where only a container's start can do it.
func limitMemory(t *testing.T, pid int, limit int64) int64 {
	t.Helper()
	const root = "/sys/fs/cgroup/memory" // version 1: there any group may have processes and children
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(own)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || parts[1] != "memory" {
			continue
		}
		dir := filepath.Join(root, parts[2], "webchasor-test-"+strconv.Itoa(pid))
		if os.Mkdir(dir, 0o755) != nil {
			return 0
		}
		t.Cleanup(func() { _ = syscall.Rmdir(dir) })
		if os.WriteFile(dir+"/memory.limit_in_bytes", []byte(strconv.FormatInt(limit, 10)), 0) != nil ||
			os.WriteFile(dir+"/cgroup.procs", []byte(strconv.Itoa(pid)), 0) != nil {
			return 0
		}
		return limit
	}
	return 0
}
