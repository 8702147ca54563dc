package main

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestHostilePipeliningAndResets: a flood of requests whose answers nobody
// reads, and clients that are gone in the middle of an answer.
func TestHostilePipeliningAndResets(t *testing.T) {
	t.Parallel()
	b := besiege(t, appFastHTTP, "WRITE_TIMEOUT=1")
	calm := fileCount(t, b.worker)
	var floods []*net.TCPConn
	var all sync.WaitGroup
	for range 10 {
		c := b.dial()
		_ = c.SetReadBuffer(4 << 10) // the sooner it is full
		floods = append(floods, c)
		all.Go(func() {
			flood := strings.Repeat("GET /pid HTTP/1.1\r\nHost: x\r\n\r\n", 1000)
			for {
				if _, err := io.WriteString(c, flood); err != nil {
					return
				}
			}
		})
	}
	for range 100 {
		c := b.dial()
		_, _ = io.WriteString(c, "GET /stream?n=1000&every=1 HTTP/1.1\r\nHost: x\r\n\r\n")
		_, _ = io.ReadFull(c, make([]byte, 50))
		_ = c.SetLinger(0)
		_ = c.Close()
	}
	// Asked of the worker: a client with a full buffer may learn of it much later.
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return fileCount(t, b.worker) < calm+len(floods)/2 },
		"the worker has had enough of clients that do not read")
	for _, c := range floods {
		_ = c.Close()
	}
	all.Wait()
	b.bounded(32) // 7 MiB were seen: a flood stops where its answers pile up
	b.unharmed()
}
