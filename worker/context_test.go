package worker

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
)

func TestClientGone(t *testing.T) {
	ways := map[string]func(*client){
		"fin":        func(c *client) { _ = c.Conn.Close() },
		"half close": func(c *client) { _ = c.Conn.(*net.TCPConn).CloseWrite() },
		"reset": func(c *client) {
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
			_ = c.Conn.Close()
		},
	}
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(*config.Settings) {})
		for name, leave := range ways {
			for _, path := range []string{"/wait", "/stream/wait"} {
				c := tc.dial()
				c.get(path)
				wait(t, "the handler", p.entered)
				leave(c)
				if got := wait(t, "the context's end: "+name, p.causes); got != ErrClientGone {
					t.Errorf("%s %s: cause %v", name, path, got)
				}
			}
		}
		eventually(t, "the connections' end", func() bool { return tc.t.conns.count() == 0 })
	})
}

// A peek would see the pipelined bytes for ever.
func TestClientGoneBehindPipelinedBytes(t *testing.T) {
	p := newProbe()
	tc := serveApp(t, p.fast(), func(*config.Settings) {})
	c := tc.dial()
	c.get("/wait")
	wait(t, "the handler", p.entered)
	c.send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\nGET")
	_ = c.Conn.Close()
	if got := wait(t, "the context's end", p.causes); got != ErrClientGone {
		t.Errorf("cause %v", got)
	}
}

func TestContextEndsWithTheHandler(t *testing.T) {
	kept := make(chan context.Context, 2)
	apps := map[string]App{
		"fasthttp": {FastHTTP: func(ctx *fasthttp.RequestCtx) {
			c := RequestContext(ctx)
			if c != RequestContext(ctx) || c.Err() != nil {
				ctx.SetStatusCode(500)
			}
			kept <- c
		}},
		"http": {HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { kept <- r.Context() })},
	}
	for name, app := range apps {
		t.Run(name, func(t *testing.T) {
			tc := serveApp(t, app, func(*config.Settings) {})
			c := tc.dial()
			seen := make(map[context.Context]bool)
			for range 2 { // the second request has its own
				c.get("/")
				c.want(200)
				ctx := wait(t, "the context", kept)
				<-ctx.Done()
				if got := context.Cause(ctx); got != ErrFinished {
					t.Errorf("cause %v", got)
				}
				if seen[ctx] {
					t.Error("two requests share a context")
				}
				seen[ctx] = true
			}
			if n := len(tc.t.hangups.waiting); n != 0 {
				t.Errorf("%d clients still watched", n)
			}
		})
	}
}

// A handler's unit test has no worker.
func TestRequestContextOutsideAWorker(t *testing.T) {
	var ctx fasthttp.RequestCtx
	ctx.Init(&fasthttp.Request{}, nil, nil)
	if RequestContext(&ctx) != context.Background() {
		t.Error("not the background context")
	}
	Progress(&ctx)
	ProgressContext(context.Background())
	done := make(chan struct{})
	Stream(&ctx, func(_ context.Context, w *StreamWriter) error {
		close(done)
		_, err := w.WriteString("hello")
		return err
	})
	if got := string(ctx.Response.Body()); got != "hello" {
		t.Errorf("body %q", got)
	}
	<-done
}

// A stream is under way until its function has returned, even if nobody
// reads it any more.
func TestStreamLastsAsLongAsItsFunction(t *testing.T) {
	p := newProbe()
	tc := serveApp(t, p.fast(), func(*config.Settings) {})
	c := tc.dial()
	c.get("/stream/stubborn")
	wait(t, "the stream", p.entered)
	_ = c.Conn.Close()
	if got := wait(t, "a failed write", p.causes); got != ErrClientGone {
		t.Errorf("cause %v", got)
	}
	<-time.After(50 * time.Millisecond) // for what must not happen
	if s := tc.board.Snapshot(); s.InFlight != 1 || s.Streams != 1 {
		t.Errorf("over too early: %+v", s)
	}
	close(p.release)
	eventually(t, "the end", func() bool { return tc.t.conns.count() == 0 })
}

// Without the kernel's help a failed write still ends the stream's context.
func TestUnreadStreamEndsItsContext(t *testing.T) {
	tc := newTestCore(t, newProbe().fast(), func(*config.Settings) {})
	c, _ := tc.t.add(&replay{})
	c.arrived()
	ctx := c.context() // a replay cannot be watched
	s := &stream{ctx: ctx, c: c, done: make(chan struct{})}
	s.r, s.w = io.Pipe()
	s.fn = func(ctx context.Context, w *StreamWriter) error {
		_, _ = w.WriteString("some")
		_ = w.Flush()
		<-ctx.Done()
		return w.Flush()
	}
	if n, err := s.Read(make([]byte, 8)); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := context.Cause(ctx); got != ErrClientGone {
		t.Errorf("cause %v", got)
	}
}
