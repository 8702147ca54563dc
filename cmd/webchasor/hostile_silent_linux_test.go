package main

import (
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestHostileSilence: 10,000 connections that say nothing, or as many as the
// limit of descriptors has room for, from several addresses, so that they leave
// ports to the tests beside this one.
func TestHostileSilence(t *testing.T) {
	t.Parallel()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	n := 10_000
	if limit.Max < 2*10_000 { // half is for what runs beside
		n = int(limit.Max) / 2
	}
	b := besiege(t, appFastHTTP, fmt.Sprintf("WORKER_CONNECTIONS=%d", n+100), "HEADER_TIMEOUT=120")
	silent := b.open(n)
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return fileCount(t, b.worker) >= n },
		"the worker has them all")
	b.others.WaitRequests(20)
	b.bounded(n * 14 >> 10) // KiB each; 7 were seen
	for _, c := range silent {
		_ = c.Close()
	}
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return fileCount(t, b.worker) < 100 },
		"the worker has let them go")
	b.unharmed()
}

// open makes n connections.
func (b *besieged) open(n int) []net.Conn {
	b.t.Helper()
	const dialers = 10
	all := make([]net.Conn, n)
	var wait sync.WaitGroup
	for k := range dialers {
		d := net.Dialer{Timeout: testproc.Patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(k+1))}}
		wait.Go(func() {
			for i := k; i < n; i += dialers {
				c, err := d.DialContext(b.t.Context(), "tcp", b.addr)
				if err != nil {
					b.t.Errorf("connection %d: %v", i, err)
					return
				}
				b.t.Cleanup(func() { _ = c.Close() })
				all[i] = c
			}
		})
	}
	wait.Wait()
	if b.t.Failed() {
		b.t.FailNow()
	}
	return all
}
