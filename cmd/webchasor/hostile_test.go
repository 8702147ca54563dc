package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
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
	before int // MiB that the worker takes when nobody does it harm
	others *testproc.Running
}

func besiege(t *testing.T, app string, env ...string) *besieged {
	t.Helper()
	p := startWith(t, testproc.Options{App: app, Env: append([]string{
		"WEB_WORKERS=1", "HEADER_TIMEOUT=1", "BODY_TIMEOUT=1", "WORKER_TIMEOUT=20",
	}, env...)})
	b := &besieged{Process: p, t: t, addr: p.Up(), worker: p.WaitWorkers(1)[0]}
	b.others = testproc.StartLoad(t, testproc.Load{Addr: b.addr, Busy: 1, Connecting: 1, Pace: 5 * time.Millisecond})
	b.others.WaitRequests(4)
	b.before = b.memory("VmRSS:")
	return b
}

// unharmed: the other clients noticed nothing and the worker is the same.
func (b *besieged) unharmed() {
	b.t.Helper()
	b.others.WaitRequests(20)
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

// grew is by how many MiB the worker's memory ever exceeded what it was after
// the start: the peak counts, not what the collector has left at the end.
func (b *besieged) grew() int {
	b.t.Helper()
	peak := b.memory("VmHWM:")
	if peak == 0 {
		b.t.Skip("the memory of a process is read from /proc")
	}
	return peak - b.before
}

// memory is a line of proc_pid_status(5), in MiB.
func (b *besieged) memory(key string) int {
	return testproc.NumberAfter(fmt.Sprintf("/proc/%d/status", b.worker), key) >> 10
}

// bounded checks the peak of the worker's memory. The race detector multiplies it.
func (b *besieged) bounded(limit int) {
	b.t.Helper()
	got := b.grew()
	b.t.Logf("the worker grew by %d MiB, %d are allowed", got, limit)
	if got > limit && !raceEnabled {
		b.t.Errorf("the worker grew by %d MiB, more than %d", got, limit)
	}
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
