package worker

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
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
				if path != "/wait" { // its first write is behind it, or that would meet the client's end
					c.upTo("first\n")
				}
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
	s := &stream{ctx: ctx, c: c}
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

// brokenPipe takes n bytes and no more.
type brokenPipe struct{ n int }

func (b *brokenPipe) Write(p []byte) (int, error) {
	if b.n -= len(p); b.n < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// A stream that writes to the connection itself learns there that its client has gone.
func TestFailedWriteEndsItsContext(t *testing.T) {
	tc := newTestCore(t, newProbe().fast(), func(*config.Settings) {})
	c, _ := tc.t.add(&replay{})
	c.arrived()
	s := &stream{ctx: c.context(), c: c, line: &accessLine{}}
	s.fn = func(ctx context.Context, w *StreamWriter) error {
		_, _ = w.WriteString("some")
		if err := w.Flush(); err != nil || ctx.Err() != nil {
			t.Errorf("the first flush: %v, %v", err, ctx.Err())
		}
		_, _ = w.WriteString(" more")
		err := w.Flush()
		if got := context.Cause(ctx); err == nil || got != ErrClientGone {
			t.Errorf("the second flush: %v, cause %v", err, got)
		}
		if _, again := w.WriteString("and more"); again != err {
			t.Errorf("a write after that: %v", again)
		}
		return nil // it does not care
	}
	if n, err := s.WriteTo(&brokenPipe{4}); n != 4 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("wrote %d, %v", n, err)
	}
	if s.line.Bytes != 4 || s.whole {
		t.Errorf("%d bytes counted, whole: %v", s.line.Bytes, s.whole)
	}
	_ = s.Close()
}

// Each flush is a chunk, whatever its size; what is not flushed comes in pieces of 4 KiB.
func TestStreamWriterChunks(t *testing.T) {
	t.Parallel()
	var chunks []int
	w := &StreamWriter{to: writerFunc(func(p []byte) (int, error) {
		chunks = append(chunks, len(p))
		return len(p), nil
	})}
	for _, n := range []int{1, 2, streamBuffer - 3, 1, streamBuffer, 3 * streamBuffer, 5} {
		if got, err := w.Write(make([]byte, n)); got != n || err != nil {
			t.Fatal(got, err)
		}
	}
	_, _ = w.WriteString(strings.Repeat("x", streamBuffer+1))
	_ = w.Flush()
	_ = w.Flush()
	if want := []int{streamBuffer, 1, streamBuffer, 3 * streamBuffer, 5, streamBuffer + 1}; !slices.Equal(chunks, want) {
		t.Errorf("chunks of %v, want %v", chunks, want)
	}
	if w.buf != nil {
		t.Error("a flushed writer keeps its buffer")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
