package worker

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
)

// Streams are the same with and without TLS; here they are without.

// preface begins HTTP/2; empty SETTINGS are part of it.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"

// overHTTP2 makes an app speak HTTP/2 without TLS.
func overHTTP2(app App) App {
	app.TuneHTTP = func(s *http.Server) {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(true)
		s.Protocols.SetUnencryptedHTTP2(true)
	}
	return app
}

// http2Client has one connection at a time.
type http2Client struct {
	*http.Client
	tc    *testCore
	dials atomic.Int32
}

func (tc *testCore) http2Client() *http2Client {
	tc.tb.Helper()
	c := &http2Client{tc: tc}
	tr := &http.Transport{
		Protocols: new(http.Protocols),
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c.dials.Add(1)
			var d net.Dialer
			return d.DialContext(ctx, network, addr)
		},
	}
	tr.Protocols.SetUnencryptedHTTP2(true)
	tc.tb.Cleanup(tr.CloseIdleConnections)
	c.Client = &http.Client{Transport: tr, Timeout: patience}
	return c
}

// do makes a request; err is of its body.
func (c *http2Client) do(method, path string, body io.Reader) (status int, text string, err error) {
	req, err := http.NewRequestWithContext(context.Background(), method, "http://"+c.tc.addr+path, body)
	if err != nil {
		return 0, "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.ProtoMajor != 2 {
		return 0, "", errors.New("spoken was " + resp.Proto)
	}
	text, err = readAll(resp)
	return resp.StatusCode, text, err
}

func (c *http2Client) ok(path string) {
	c.tc.tb.Helper()
	if status, text, err := c.do(http.MethodGet, path, nil); status != 200 || text != "ok "+path || err != nil {
		c.tc.tb.Fatal(status, text, err)
	}
}

// A stream that does not move gets an answer, or a reset when it has begun
// one; its neighbours go on, on the same connection.
func TestStreamTimesOutAlone(t *testing.T) {
	t.Parallel()
	p := newProbe()
	tc := serveApp(t, overHTTP2(p.http()), func(s *config.Settings) { s.Timeout = 500 * time.Millisecond })
	c := tc.http2Client()
	c.ok("/ok")
	var wg sync.WaitGroup
	for path, want := range map[string]func(status int, text string, err error) bool{
		"/stuck": func(s int, text string, err error) bool {
			return s == 503 && strings.Contains(text, "timeout") && err == nil
		},
		"/stream/stuck": func(s int, text string, err error) bool { return s == 200 && text == "first\n" && err != nil },
		"/stream/wait": func(s int, text string, err error) bool {
			return s == 200 && text == "first\nerror event\n" && err == nil
		},
		"/stream/steady": func(s int, text string, err error) bool { return strings.HasSuffix(text, "tick\nlast\n") && err == nil },
		"/busy":          func(s int, text string, err error) bool { return s == 200 && text == "ok /busy" && err == nil },
	} {
		wg.Go(func() {
			if status, text, err := c.do(http.MethodGet, path, nil); !want(status, text, err) {
				t.Errorf("%s: %d, %q, %v", path, status, text, err)
			}
		})
	}
	wg.Wait()
	c.ok("/ok")
	if n := c.dials.Load(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
	close(p.release)
	c.CloseIdleConnections()
	eventually(t, "nothing is left", func() bool { return tc.t.conns.count() == 0 })
}

// A client that resets its stream or closes the connection is gone for the handler.
func TestStreamClientGone(t *testing.T) {
	t.Parallel()
	p := newProbe()
	tc := serveApp(t, overHTTP2(p.http()), anything)
	c := tc.http2Client()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+tc.addr+"/wait", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := c.Do(req) //nolint:bodyclose // there is none
		failed <- err
	}()
	wait(t, "the handler", p.entered)
	cancel()
	if cause := wait(t, "the handler's end", p.causes); !errors.Is(cause, ErrClientGone) {
		t.Errorf("the cause is %v", cause)
	}
	if err := wait(t, "the client's end", failed); err == nil {
		t.Error("the request succeeded")
	}
	c.ok("/ok")
	if n := c.dials.Load(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
}

// The limits of HTTP/1 hold, each with its status.
func TestStreamLimits(t *testing.T) {
	t.Parallel()
	tc := serveApp(t, overHTTP2(newProbe().http()), func(s *config.Settings) {
		s.HTTP.LimitRequestBody, s.HTTP.LimitRequestLine, s.HTTP.LimitRequestFieldSize, s.HTTP.LimitRequestFields = 1000, 200, 300, 10
	})
	c := tc.http2Client()
	unknown := func(n int) io.Reader { return io.MultiReader(strings.NewReader(strings.Repeat("x", n))) }
	for name, tt := range map[string]struct {
		path string
		body io.Reader
		want int
	}{
		"small":          {"/body", strings.NewReader("hello"), 200},
		"announced":      {"/body", strings.NewReader(strings.Repeat("x", 1001)), 413},
		"as much as may": {"/body", unknown(1000), 200},
		"not announced":  {"/body", unknown(1001), 413},
		"a long line":    {"/ok?" + strings.Repeat("x", 200), nil, 414},
	} {
		if status, text, err := c.do(http.MethodPost, tt.path, tt.body); status != tt.want || err != nil || status == 413 && !strings.Contains(text, "request_too_large") {
			t.Errorf("%s: %d, %q, %v", name, status, text, err)
		}
	}
	for name, header := range map[string]http.Header{"a long one": {"X": {strings.Repeat("x", 300)}}, "many": {"X": make([]string, 11)}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+tc.addr+"/ok", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != 431 {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	if n := c.dials.Load(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
}

// Streams without room are refused at once, and take nobody else's.
func TestStreamsWithoutRoom(t *testing.T) {
	t.Parallel()
	p := newProbe()
	tc := serveApp(t, overHTTP2(p.http()), func(s *config.Settings) { s.WorkerConnections = 2 }) // 10 entries
	c := tc.http2Client()
	c.ok("/ok")
	var wg sync.WaitGroup
	for range 9 {
		wg.Go(func() { c.ok("/stuck") })
		wait(t, "the handler", p.entered)
	}
	if status, text, err := c.do(http.MethodGet, "/ok", nil); status != 503 || !strings.Contains(text, "overloaded") || err != nil {
		t.Errorf("%d, %q, %v", status, text, err)
	}
	close(p.release)
	wg.Wait()
	c.ok("/ok")
	c.CloseIdleConnections()
	eventually(t, "nothing is left", func() bool { return tc.t.conns.count() == 0 && len(tc.gate.permits) <= 1 && tc.gate.spare.Load() == 0 })
}

// In a drain a stream has the time that a request of HTTP/1 has, and its last word.
func TestStreamsInADrain(t *testing.T) {
	t.Parallel()
	p := newProbe()
	tc := serveApp(t, overHTTP2(p.http()), func(s *config.Settings) {
		s.GracefulTimeout, s.StreamTimeout = 300*time.Millisecond, 600*time.Millisecond
	})
	c := tc.http2Client()
	var wg sync.WaitGroup
	wg.Go(func() {
		if status, text, err := c.do(http.MethodGet, "/wait", nil); status != 503 || !strings.Contains(text, "server_shutting_down") || err != nil {
			t.Errorf("%d, %q, %v", status, text, err)
		}
	})
	wait(t, "the handler", p.entered)
	wg.Go(func() {
		if status, text, err := c.do(http.MethodGet, "/stream/wait", nil); status != 200 || text != "first\nerror event\n" || err != nil {
			t.Errorf("%d, %q, %v", status, text, err)
		}
	})
	wait(t, "the handler", p.entered)
	tc.order(handoff.DrainStop)
	wg.Wait()
	for range 2 {
		if cause := wait(t, "a handler's end", p.causes); !errors.Is(cause, ErrDraining) {
			t.Errorf("the cause is %v", cause)
		}
	}
	tc.exited()
}

// What is no request does not make a connection active, and nothing of HTTP/1 is
// ever written into it; it is closed when it has been idle for keepalive.
func TestIdleHTTP2IsNotAnswered(t *testing.T) {
	t.Parallel()
	tc := serveApp(t, overHTTP2(newProbe().http()), func(s *config.Settings) {
		s.Timeout, s.HTTP.HeaderTimeout, s.Keepalive = 100*time.Millisecond, 100*time.Millisecond, 600*time.Millisecond
	})
	c := tc.dial()
	c.send(preface)
	if _, err := c.r.Peek(9); err != nil {
		t.Fatal(err)
	}
	c.send("\x00\x00\x00\x04\x01\x00\x00\x00\x00")         // SETTINGS, acknowledged
	c.send("\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678") // PING
	all, _ := io.ReadAll(c.r)
	if text := string(all); !strings.Contains(text, "12345678") || strings.Contains(text, "HTTP/1.1") {
		t.Errorf("got %q", text)
	}
}
