package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestTenThousandIdleConnectionsMove: one worker holds them, its successor has them
// all when it is gone, and no client has noticed.
func TestTenThousandIdleConnectionsMove(t *testing.T) {
	t.Parallel()
	n := 10_000
	if testing.Short() || raceEnabled {
		n = 1000
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if spare := uint64(2000); limit.Cur < uint64(n)+spare { //nolint:gosec // small
		t.Skipf("it needs %d descriptors (RLIMIT_NOFILE)", n)
	}
	p := start(t, "WEB_WORKERS=1", "MAX_REQUESTS=0", "KEEPALIVE=120", "HEADER_TIMEOUT=120", "GRACEFUL_TIMEOUT=60", "WORKER_CONNECTIONS="+strconv.Itoa(n+100))
	addr := p.Up()
	first := p.WaitWorkers(1)
	clients := make([]*net.TCPConn, n)
	for i := range clients {
		c, err := net.DialTimeout("tcp", addr, testproc.Patience)
		if err != nil {
			t.Fatal(err)
		}
		clients[i] = c.(*net.TCPConn)
		_ = clients[i].SetLinger(0) // a reset leaves no port in TIME_WAIT
		t.Cleanup(func() { _ = c.Close() })
	}
	askAll(t, clients, first[0])
	mark := p.Log.Mark()
	p.Signal(syscall.SIGHUP)
	moved := p.WaitLog(mark, testproc.Msg("connections handed over"), "the drain ends")
	if moved.Int("moved") != n || moved.Int("failed") != 0 {
		t.Errorf("not all of %d connections have moved: %s", n, moved.Text)
	}
	askAll(t, clients, p.WaitReplaced(first, 1)[0])
	wantNoLine(t, p, mark, testproc.Level("error"), "an error")
	for _, c := range clients {
		_ = c.Close()
	}
	p.Stop(0)
}

// askAll has one request on every connection, all under way at once, and looks who answers.
func askAll(t *testing.T, clients []*net.TCPConn, worker int) {
	t.Helper()
	for _, c := range clients {
		_ = c.SetDeadline(time.Now().Add(2 * testproc.Patience))
		if _, err := io.WriteString(c, "GET /pid HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	r := bufio.NewReader(nil)
	for i, c := range clients {
		r.Reset(c)
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		_, err = io.Copy(io.Discard, res.Body)
		if pid := res.Header.Get(testproc.PIDHeader); err != nil || res.Close || pid != strconv.Itoa(worker) {
			t.Fatalf("connection %d: %v, closing %v, from worker %s; want %d", i, err, res.Close, pid, worker)
		}
	}
}
