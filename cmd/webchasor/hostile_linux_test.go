package main

import (
	"io"
	"net"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestHostileNoDescriptors takes the worker's descriptors away for as long as it
// complains three times, while clients connect: whoever is in is served all the
// while, whoever waits is served later, and the log has a line a second (pitfall P8).
func TestHostileNoDescriptors(t *testing.T) {
	t.Parallel()
	b := besiege(t, appFastHTTP, "HEADER_TIMEOUT=60")
	b.others.Stop().ExpectClean(t)
	b.others = testproc.StartLoad(t, testproc.Load{Addr: b.addr, Busy: 2, Pace: 5 * time.Millisecond})
	b.others.WaitRequests(20)
	mark, begin := b.Log.Mark(), time.Now()
	before := limitFiles(t, b.worker, uint64(fileCount(t, b.worker)+10)) //nolint:gosec // small
	var waiting []net.Conn
	for range 40 {
		waiting = append(waiting, b.dial())
	}
	complaints := func() int {
		return len(b.Log.Lines(mark, testproc.Msg("cannot accept connections: trying again")))
	}
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return complaints() >= 3 }, "the worker is out of descriptors for a while")
	if _, _ = io.WriteString(waiting[0], "GET /pid HTTP/1.1\r\nHost: x\r\n\r\n"); verdict(waiting[0]) != 200 {
		t.Error("who was in is not served")
	}
	b.others.WaitRequests(40)
	limitFiles(t, b.worker, before)
	for i, c := range waiting[1:] {
		_, _ = io.WriteString(c, "GET /pid HTTP/1.1\r\nHost: x\r\n\r\n")
		if got := verdict(c); got != 200 {
			t.Errorf("client %d of those who waited got status %d", i+1, got)
		}
	}
	if n, held := complaints(), time.Since(begin); n > int(held/time.Second)+1 {
		t.Errorf("%d lines in %v, more than one a second", n, held)
	}
	b.others.Stop().ExpectClean(t)
	b.others = testproc.StartLoad(t, testproc.Load{Addr: b.addr, Connecting: 1})
	b.unharmed()
}

// limitFiles sets a process's soft limit of open files and returns the old one.
func limitFiles(t *testing.T, pid int, limit uint64) (before uint64) {
	t.Helper()
	var old, limits syscall.Rlimit
	call := func(set, get *syscall.Rlimit) {
		t.Helper()
		_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_NOFILE, //nolint:gosec // a pid
			uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(get)), 0, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
	}
	call(nil, &old)
	limits = syscall.Rlimit{Cur: limit, Max: old.Max}
	call(&limits, nil)
	return old.Cur
}
