package api

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"github.com/webchasor/webchasor/app/api/limit"
	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/permits"
)

var (
	errTestTimeout = errors.New("test: the request timed out")
	errTestDrain   = errors.New("test: the worker is shutting down")
	errTestGone    = errors.New("test: the client is gone")
)

// fakeHost plays the process around the API. The test owns the context that
// every request gets; streams run inside the call of handle.
type fakeHost struct {
	alive    context.Context
	end      context.CancelCauseFunc
	draining bool
	news     permits.News
	told     bool // there is a master that tells the news
	progress int
	beats    atomic.Int64 // progress by the context
	out      capture
	streamed error // what the last stream returned
}

func newFakeHost(t *testing.T) *fakeHost {
	f := &fakeHost{}
	f.alive, f.end = context.WithCancelCause(t.Context())
	t.Cleanup(func() { f.end(nil) })
	return f
}

func (f *fakeHost) host() host {
	return host{
		requestContext: func(*fasthttp.RequestCtx) context.Context { return f.alive },
		stream: func(_ *fasthttp.RequestCtx, fn func(context.Context, Writer) error) {
			f.streamed = fn(f.alive, &f.out)
		},
		progress:    func(*fasthttp.RequestCtx) { f.progress++ },
		alive:       func(context.Context) { f.beats.Add(1) },
		draining:    func() bool { return f.draining },
		news:        func() (permits.News, bool) { return f.news, f.told },
		errTimeout:  errTestTimeout,
		errDraining: errTestDrain,
		self:        identity{Version: "1.2.3", Slot: 2, PID: 4711, Generation: 3, Started: started},
	}
}

// capture is a stream's writer. Bytes count as sent only when flushed.
type capture struct {
	pending bytes.Buffer
	sent    bytes.Buffer
	flushed func(n int) error // called after the n-th flush; may be nil
	flushes int
}

func (c *capture) Write(p []byte) (int, error)       { return c.pending.Write(p) }
func (c *capture) WriteString(s string) (int, error) { return c.pending.WriteString(s) }

func (c *capture) Flush() error {
	_, _ = c.pending.WriteTo(&c.sent)
	c.flushes++
	if c.flushed != nil {
		return c.flushed(c.flushes)
	}
	return nil
}

// started and after make uptime and created the same in every run.
var (
	started = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	after   = started.Add(90 * time.Second)
)

var testLimits = config.API{MaxConcurrentRequests: 100, LLMConcurrentLimit: 20, QueueSize: 100, QueueTimeout: 10 * time.Second}

// newTestServer is a server whose answers are the same in every run.
func newTestServer(limits config.API, f *fakeHost) *server {
	s, err := newServer(limits, 0, zap.NewNop(), f.host())
	if err != nil {
		panic(err)
	}
	s.newID = func() string { return "chatcmpl-test" }
	s.now = func() time.Time { return after }
	return s
}

// call runs one request through handle, without a connection. headers are
// "Name: value".
func call(s *server, method, uri, body string, headers ...string) *fasthttp.Response {
	var req fasthttp.Request
	req.Header.SetMethod(method)
	req.SetRequestURI(uri)
	req.SetBodyString(body)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	var ctx fasthttp.RequestCtx
	ctx.Init(&req, nil, nil)
	s.handle(&ctx)
	return &ctx.Response
}

func chat(s *server, body string, headers ...string) *fasthttp.Response {
	return call(s, "POST", "/v1/chat/completions", body, headers...)
}

const hello = `{"model":"echo","messages":[{"role":"user","content":"Hello, little world"}]}`

const helloStream = `{"model":"echo","stream":true,"messages":[{"role":"user","content":"Hello, little world"}]}`

// wantIdle fails unless every permit is back and nobody waits.
func wantIdle(t *testing.T, s *server) {
	t.Helper()
	if got := s.limits.Load(); got != (limit.Load{}) {
		t.Errorf("permits are not back: %+v", got)
	}
}
