package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// besieged is a program with one worker, which other clients go on using.
type besieged struct {
	*testproc.Process
	t      *testing.T
	addr   string
	worker int
	others *testproc.Running
}

func besiege(t *testing.T, app string, env ...string) *besieged {
	t.Helper()
	p := startWith(t, testproc.Options{App: app, Env: append([]string{
		"WEB_WORKERS=1", "HEADER_TIMEOUT=1", "BODY_TIMEOUT=1", "TIMEOUT=20",
	}, env...)})
	b := &besieged{Process: p, t: t, addr: p.Up(), worker: p.WaitWorkers(1)[0]}
	b.others = testproc.StartLoad(t, testproc.Load{Addr: b.addr, Busy: 1, Connecting: 1, Pace: 5 * time.Millisecond})
	b.others.WaitRequests(4)
	return b
}

// unharmed: the other clients noticed nothing and the worker is the same.
func (b *besieged) unharmed() {
	b.t.Helper()
	b.others.WaitRequests(b.others.Now().Requests + 20)
	b.others.Stop().ExpectClean(b.t)
	if now := b.WaitWorkers(1)[0]; now != b.worker {
		b.t.Errorf("worker %d was replaced by %d", b.worker, now)
	}
	b.Stop(0)
}

// dial is for what testproc's clients do not do.
func (b *besieged) dial() *net.TCPConn {
	b.t.Helper()
	c, err := net.DialTimeout("tcp", b.addr, testproc.Patience)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * testproc.Patience))
	return c.(*net.TCPConn)
}

// resident is the worker's memory in MiB.
func (b *besieged) resident() int {
	b.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.worker))
	if err != nil {
		b.t.Skip("the memory of a process is read from /proc")
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.t.Fatal(err)
	}
	return kib >> 10
}

// verdict is the status of the answer, 0 when the connection ended without one.
func verdict(c net.Conn) int {
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// TestHostileSlowClients: heads and bodies that trickle, and connections that say nothing.
func TestHostileSlowClients(t *testing.T) {
	t.Parallel()
	for _, app := range []string{appFastHTTP, appNetHTTP} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			b := besiege(t, app)
			begin := map[string]int{ // and what the client is told
				"GET /pid HTTP/1.1\r\nHost: x\r\nX: ":                                  408,
				"POST /sleep?ms=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n": 408,
				"": 0,
			}
			var all sync.WaitGroup
			for text, want := range begin {
				for range 50 {
					c := b.dial()
					all.Go(func() {
						_, _ = io.WriteString(c, text)
						stop := make(chan struct{})
						defer close(stop)
						if text != "" {
							go trickle(c, stop)
						}
						got := verdict(c)
						// A byte that crosses the end may turn the answer into a reset.
						if got != want && got != 0 && !(app == appNetHTTP && got == 200) {
							t.Errorf("%q: status %d, want %d", text, got, want)
						}
					})
				}
			}
			all.Wait()
			b.unharmed()
		})
	}
}

func trickle(c net.Conn, stop <-chan struct{}) {
	for testproc.Pause(100*time.Millisecond, stop) {
		if _, err := io.WriteString(c, "x"); err != nil {
			return
		}
	}
}

// TestHostileSizes: what is too large is refused early, and what is only
// announced takes no memory.
func TestHostileSizes(t *testing.T) {
	t.Parallel()
	b := besiege(t, appFastHTTP, "LIMIT_REQUEST_MEMORY=64MiB", "BODY_TIMEOUT=10")
	before := b.resident()
	const post = "POST /body HTTP/1.1\r\nHost: x\r\n"
	megabyte := strings.Repeat("x", 1<<20)
	for text, want := range map[string]int{
		"GET /" + megabyte: 414,
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + megabyte:          431,
		post + "Content-Length: 104857600\r\n\r\n":             413,
		post + "Transfer-Encoding: chunked\r\n\r\n6400000\r\n": 413,
	} {
		for range 10 {
			c := b.dial()
			go func() { _, _ = io.WriteString(c, text) }()
			if got := verdict(c); got != want && got != 0 {
				t.Errorf("%.40q: status %d, want %d", text, got, want)
			}
		}
	}
	// A body without an end, and a hundred that are announced.
	endless := b.dial()
	go func() {
		_, _ = io.WriteString(endless, post+"Transfer-Encoding: chunked\r\n\r\n")
		for {
			if _, err := io.WriteString(endless, "100000\r\n"+megabyte+"\r\n"); err != nil {
				return
			}
		}
	}()
	if got := verdict(endless); got != 413 && got != 0 {
		t.Errorf("endless body: status %d", got)
	}
	refused := 0
	var held []net.Conn
	for range 100 {
		c := b.dial()
		_, _ = io.WriteString(c, post+"Content-Length: 31457280\r\n\r\n")
		held = append(held, c)
	}
	for _, c := range held[2:] { // two have a place
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		if verdict(c) == 503 {
			refused++
		}
	}
	if refused < 90 {
		t.Errorf("%d of 98 announced bodies were refused", refused)
	}
	if now := b.resident(); now > before+1000 {
		t.Errorf("the worker grew from %d to %d MiB", before, now)
	}
	for _, c := range held {
		_ = c.Close()
	}
	b.unharmed()
}

// TestHostilePipeliningAndResets: a flood of requests whose answers nobody
// reads, and clients that are gone in the middle of an answer.
func TestHostilePipeliningAndResets(t *testing.T) {
	t.Parallel()
	b := besiege(t, appFastHTTP, "WRITE_TIMEOUT=1")
	before := b.resident()
	floods := make([]*net.TCPConn, 10)
	var all sync.WaitGroup
	for i := range floods {
		c := b.dial()
		floods[i] = c
		all.Go(func() {
			flood := strings.Repeat("GET /pid HTTP/1.1\r\nHost: x\r\n\r\n", 1000)
			for { // until the worker has had enough of a client that does not read
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
	all.Wait()
	if now := b.resident(); now > before+1000 {
		t.Errorf("the worker grew from %d to %d MiB", before, now)
	}
	b.unharmed()
}
