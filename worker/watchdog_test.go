package worker

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
)

func shortTimeout(s *config.Settings) { s.Timeout = 200 * time.Millisecond }

// checkRefusal checks a response that the worker gave itself.
func checkRefusal(t *testing.T, r reply, code string) {
	t.Helper()
	var e struct {
		Error struct{ Message, Type, Code string }
	}
	if err := json.Unmarshal([]byte(r.body), &e); err != nil || e.Error.Code != code || e.Error.Message == "" || e.Error.Type == "" {
		t.Errorf("body %q: %v; want code %s", r.body, err, code)
	}
	if r.Header.Get("Retry-After") != "1" || r.Header.Get("Content-Type") != "application/json" || !r.Close {
		t.Errorf("headers %v, close %v", r.Header, r.Close)
	}
}

func TestTimeoutIsAnsweredOnce(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, shortTimeout)
		c := tc.dial()
		c.get("/stuck")
		checkRefusal(t, c.want(503), "request_timeout")
		close(p.release) // what the handler writes now must not come through
		c.closed()
		eventually(t, "the connection's end", func() bool { return tc.t.conns.count() == 0 })
		n := tc.board.Snapshot().Counters
		if n.ByClass[5] != 1 || n.Timeouts != 1 || n.Requests() != 1 {
			t.Errorf("counters %+v", n)
		}
		lines := tc.logs.FilterMessage("request timed out").All()
		if len(lines) != 1 || lines[0].ContextMap()["path"] != "/stuck" || lines[0].ContextMap()["method"] != "GET" {
			t.Errorf("log lines %v", lines)
		}
	})
}

func TestTimeoutCancelsTheContext(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		c := serveApp(t, app, shortTimeout).dial()
		c.get("/wait")
		c.want(503)
		if got := wait(t, "the context's end", p.causes); got != ErrTimeout {
			t.Errorf("cause %v", got)
		}
		c.closed()
	})
}

// The answer to the first of two pipelined requests must come first, and not
// wait for the second.
func TestTimeoutOfAPipelinedRequest(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		defer close(p.release)
		c := serveApp(t, app, shortTimeout).dial()
		c.send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\nGET /stuck HTTP/1.1\r\nHost: x\r\n\r\nGET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
		if r := c.want(200); r.body != "ok /ok" {
			t.Errorf("first answer %q", r.body)
		}
		checkRefusal(t, c.want(503), "request_timeout")
		c.closed()
	})
}

func TestPipelining(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(*config.Settings) {})
		c := tc.dial()
		c.send(strings.Repeat("GET /ok HTTP/1.1\r\nHost: x\r\n\r\n", 100))
		for range 100 {
			c.want(200)
		}
		eventually(t, "100 counted", func() bool { return tc.board.Snapshot().Counters.ByClass[2] == 100 })
		if n := tc.board.Snapshot().InFlight; n != 0 {
			t.Errorf("%d in flight", n)
		}
	})
}

func TestHalfRequestGets408(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		for _, text := range []string{"G", "GET /ok HTTP/1.1\r\nHos"} {
			tc := serveApp(t, app, shortTimeout)
			c := tc.dial()
			c.send(text)
			checkRefusal(t, c.want(408), "request_timeout")
			c.closed()
			if n := tc.board.Snapshot().Counters; n.ByClass[4] != 1 || n.Requests() != 1 {
				t.Errorf("%q: counters %+v", text, n)
			}
		}
	})
}

func TestHalfBodyIsRefused(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		c := serveApp(t, app, shortTimeout).dial()
		c.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
		// net/http has called the handler, but it is the client who is late.
		checkRefusal(t, c.want(408), "request_timeout")
		c.closed()
	})
}

// A slow request that moves is not timed out.
func TestSlowUploadMoves(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		c := serveApp(t, app, func(s *config.Settings) { s.Timeout = 400 * time.Millisecond }).dial()
		c.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n")
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range 40 {
			<-tick.C
			c.send("x")
		}
		if r := c.want(200); len(r.body) != 40 {
			t.Errorf("body %q", r.body)
		}
	})
}

func TestContinueIsNotTheResponse(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		c := serveApp(t, app, shortTimeout).dial()
		c.send("POST /body HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n")
		if line, err := c.r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
			t.Fatalf("%q, %v", line, err)
		}
		if _, err := c.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		r := c.read()
		checkRefusal(t, r, "request_timeout")
		c.closed()
	})
}

func TestSilentConnectionIsClosed(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, shortTimeout)
		c := tc.dial()
		c.closed() // without a word
		if n := tc.board.Snapshot().Counters.Requests(); n != 0 {
			t.Errorf("%d requests counted", n)
		}
	})
}

func TestKeepaliveEnds(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) { s.Keepalive = 200 * time.Millisecond })
		c := tc.dial()
		for range 3 {
			c.get("/ok")
			c.want(200)
		}
		began := time.Now()
		c.closed()
		if d := time.Since(began); d < 190*time.Millisecond {
			t.Errorf("closed after %v", d)
		}
		if n := tc.logged("request timed out"); n != 0 {
			t.Error("logged as a timeout")
		}
	})
}

func TestKeepaliveOff(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		c := serveApp(t, app, func(s *config.Settings) { s.Keepalive = 0 }).dial()
		c.get("/ok")
		if r := c.want(200); !r.Close {
			t.Error("no Connection: close")
		}
		c.closed()
	})
}

func TestStreamThatMovesIsNotCut(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) { s.Timeout = 300 * time.Millisecond })
		c := tc.dial()
		c.get("/stream/steady") // one second
		wait(t, "the stream", p.entered)
		r := c.want(200)
		if r.bodyErr != nil || strings.Count(r.body, "tick") != 50 || !strings.HasSuffix(r.body, "last\n") {
			t.Errorf("%v, %q", r.bodyErr, r.body)
		}
		c.get("/ok")
		c.want(200)
	})
}

func TestProgressCallsKeepARequestAlive(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		c := serveApp(t, app, func(s *config.Settings) { s.Timeout = 300 * time.Millisecond }).dial()
		c.get("/busy") // one second
		c.want(200)
	})
}

func TestStalledStreamGetsALastWord(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, shortTimeout)
		c := tc.dial()
		c.get("/stream/wait")
		r := c.want(200)
		if r.bodyErr != nil || r.body != "first\nerror event\n" {
			t.Errorf("%v, %q", r.bodyErr, r.body)
		}
		if got := wait(t, "the context's end", p.causes); got != ErrTimeout {
			t.Errorf("cause %v", got)
		}
		if n := tc.board.Snapshot().Counters.Timeouts; n != 1 {
			t.Errorf("%d timeouts", n)
		}
	})
}

func TestStalledStreamIsCut(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, shortTimeout)
		c := tc.dial()
		c.get("/stream/stuck")
		if r := c.want(200); r.bodyErr == nil || r.body != "first\n" {
			t.Errorf("%v, %q", r.bodyErr, r.body)
		}
		r := tc.expect(handoff.ReportStuck)
		if r.Request != "GET /stream/stuck" || r.Age < 1650*time.Millisecond {
			t.Errorf("report %+v", r)
		}
		close(p.release)
		eventually(t, "the connection's end", func() bool { return tc.t.conns.count() == 0 })
	})
}

func TestStuckHandlerIsReportedOnce(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, shortTimeout)
		for range 3 {
			c := tc.dial()
			c.get("/stuck")
			c.want(503)
		}
		// After the timeout the handler has some time to return.
		if r := tc.expect(handoff.ReportStuck); r.Request != "GET /stuck" || r.Age < 690*time.Millisecond {
			t.Errorf("report %+v", r)
		}
		eventually(t, "all marked", func() bool {
			n := 0
			for _, r := range tc.board.InFlight(tc.t.clock.Now()) {
				if r.Stuck {
					n++
				}
			}
			return n == 3
		})
		close(p.release)
		eventually(t, "all ended", func() bool { return tc.t.conns.count() == 0 })
		select {
		case r := <-tc.reports:
			t.Errorf("another report: %+v", r)
		default:
		}
		c := tc.dial() // the worker lives
		c.get("/ok")
		c.want(200)
	})
}

func TestSlowReaderIsCut(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		for _, path := range []string{"/big", "/stream/endless"} {
			tc := serveApp(t, app, func(s *config.Settings) { s.WriteTimeout = 200 * time.Millisecond })
			c := tc.dial()
			c.get(path)
			wait(t, "the handler", p.entered)
			eventually(t, "the cut", func() bool { return tc.t.conns.count() == 0 })
			eventually(t, "the log line", func() bool {
				return tc.logged("client does not take its response: connection cut") == 1
			})
			// A reset, so that the kernel does not keep what nobody takes.
			if _, err := io.Copy(io.Discard, c); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: the client's connection ends with %v", path, err)
			}
			if path == "/stream/endless" {
				if err := wait(t, "the stream's end", p.causes); err == nil {
					t.Error("the context was not cancelled")
				}
			}
		}
	})
}

// A reader that is slow but moves is not cut, although each write waits for
// much longer than the timeout: the kernel's buffer is large.
func TestSlowReaderThatMovesIsNotCut(t *testing.T) {
	if _, ok := sendQueue(&net.TCPConn{}); ok {
		t.Fatal("a send queue without a socket")
	}
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) { s.WriteTimeout = 600 * time.Millisecond })
		c := tc.dial()
		if err := c.Conn.(*net.TCPConn).SetReadBuffer(32 << 10); err != nil {
			t.Fatal(err)
		}
		c.get("/big")
		tick := time.NewTicker(40 * time.Millisecond)
		defer tick.Stop()
		buf := make([]byte, 24<<10)
		for range 50 {
			<-tick.C
			if _, err := c.Read(buf); err != nil {
				t.Fatal(err)
			}
		}
		if tc.t.conns.count() != 1 || tc.logged("client does not take its response: connection cut") != 0 {
			t.Error("cut")
		}
	})
}
