package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestMasterStaysFlat: what recycling and upgrading cost the master is given back.
// scripts/bench-continuity.sh soak is the same with 10,000 recycles and 50 upgrades.
func TestMasterStaysFlat(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, testproc.Options{Env: []string{
		"MAX_REQUESTS=5", "MAX_REQUESTS_JITTER=0", "RECYCLE_INTERVAL=0", "LOG_LEVEL=info",
	}})
	addr := p.Up()
	load := testproc.StartLoad(t, testproc.Load{Addr: addr, Busy: 2, Pace: time.Millisecond})
	recycled := func(n int) {
		t.Helper()
		mark := p.Log.Mark()
		testproc.Eventually(t, 2*testproc.Patience, testproc.Every, func() bool {
			return len(p.Log.Lines(mark, testproc.Msg(testproc.MsgExited))) >= n
		}, fmt.Sprintf("%d recycled workers", n))
	}
	recycled(20)
	first := threadsAndFiles(t, p.PID())
	recycled(100)
	// A few are in use while a worker starts or leaves.
	if now := threadsAndFiles(t, p.PID()); now[0] > first[0]+8 || now[1] > first[1]+20 {
		t.Errorf("threads and descriptors of the master went from %v to %v", first, now)
	}
	master := p.PID()
	for range 3 {
		master = upgrade(t, p, master)
		recycled(5)
	}
	if now := threadsAndFiles(t, master); now[0] > first[0]+8 || now[1] > first[1]+20 {
		t.Errorf("threads and descriptors of the masters went from %v to %v", first, now)
	}
	load.Stop().ExpectClean(t)
	stopOrphan(t, p, master)
}

func threadsAndFiles(t *testing.T, pid int) [2]int {
	t.Helper()
	proc, err := testproc.ReadProc(pid)
	if err != nil {
		t.Fatal(err)
	}
	return [2]int{proc.Threads, fileCount(t, pid)}
}
