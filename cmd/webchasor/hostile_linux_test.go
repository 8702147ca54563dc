package main

import (
	"io"
	"net"
	"syscall"
	"testing"
	"unsafe"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestHostileNoDescriptors takes the worker's descriptors away while clients
// connect: whoever is in is served, whoever waits is served later (pitfall P8).
func TestHostileNoDescriptors(t *testing.T) {
	t.Parallel()
	b := besiege(t, appFastHTTP, "HEADER_TIMEOUT=20")
	b.others.Stop().ExpectClean(t)
	before := limitFiles(t, b.worker, uint64(fileCount(t, b.worker)+10)) //nolint:gosec // small
	mark := b.Log.Mark()
	var waiting []net.Conn
	for range 40 {
		waiting = append(waiting, b.dial())
	}
	b.WaitLog(mark, testproc.Msg("cannot accept connections: trying again"), "the worker is out of descriptors")
	_, _ = io.WriteString(waiting[0], "GET /pid HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := verdict(waiting[0]); got != 200 {
		t.Errorf("who was in got status %d", got)
	}
	limitFiles(t, b.worker, before)
	for _, c := range waiting[1:] {
		_, _ = io.WriteString(c, "GET /pid HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	for i, c := range waiting[1:] {
		if got := verdict(c); got != 200 {
			t.Errorf("client %d of those who waited got status %d", i, got)
		}
	}
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
