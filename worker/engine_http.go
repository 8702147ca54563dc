package worker

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/webchasor/webchasor/internal/config"
)

type httpEngine struct {
	t       *tracker
	handler http.Handler
	write   time.Duration // write_timeout
}

// newHTTPEngine makes a net/http server that leaves time to us.
func newHTTPEngine(t *tracker, a App, s config.Settings, arrived *arrivals) *httpServer {
	e := &httpEngine{t: t, handler: t.refused.http(a.HTTP), write: s.WriteTimeout}
	srv := &http.Server{} //nolint:gosec // timeouts are the watchdog's
	if a.TuneHTTP != nil {
		a.TuneHTTP(srv)
	}
	srv.Handler = e
	srv.ConnState = e.state
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if own, ok := connOf(c); ok {
			c = own
		}
		return context.WithValue(ctx, connKey{}, c)
	}
	srv.ReadTimeout, srv.ReadHeaderTimeout, srv.WriteTimeout, srv.IdleTimeout = 0, 0, 0, 0
	srv.ErrorLog = quietLog(t.log)
	t.entrance = newEntrance(s, srv.Protocols != nil && srv.Protocols.UnencryptedHTTP2(), false)
	srv.SetKeepAlivesEnabled(s.Keepalive != 0)
	return newHTTPServer(srv, t, arrived, s)
}

func quietLog(l *zap.Logger) *log.Logger {
	std, err := zap.NewStdLogAt(l, zapcore.DebugLevel)
	if err != nil {
		return nil // the level exists; net/http then uses its own
	}
	return std
}

func (e *httpEngine) state(nc net.Conn, s http.ConnState) {
	c, ok := connOf(nc)
	if !ok || c.shared != nil { // HTTP/2 without TLS: its streams are what counts
		return
	}
	switch s {
	case http.StateActive:
		c.pipelined()
	case http.StateIdle:
		c.doneHTTP()
	case http.StateHijacked:
		c.hijacked()
	case http.StateNew, http.StateClosed:
	}
}

// doneHTTP is done for net/http, which may have read more than the request.
// After it has called a connection idle it sets a read deadline, waits until it has
// four bytes of the next request, and sets another one: when that comes without
// a read of ours before it, a pipelined request was in its buffer.
func (c *conn) doneHTTP() {
	c.mu.Lock()
	c.deadlinesLeft = 2
	c.mu.Unlock()
	c.done()
}

// ServeHTTP is the handler that net/http calls.
func (e *httpEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, ok := r.Context().Value(connKey{}).(*conn)
	if ok && c.shared != nil {
		e.overStream(c, w, r)
		return
	}
	if !ok || !c.enter(e.t.totals.routes.Find([]byte(r.URL.Path))) {
		panic(http.ErrAbortHandler) // net/http's way to end a connection
	}
	if c.stream != nil {
		r.TLS = c.stream.peer.shared.tls
	} else if c.tls != nil && r.TLS == nil {
		state := c.tls.ConnectionState()
		r.TLS = &state // the server knows only its own
	}
	c.entry.Describe(r.Method, r.URL.Path)
	if c.scrutiny.Variants() || c.stream != nil {
		dropVariants(r.Header.Del)
	}
	if p, ok := c.beneath().(*proxied); ok {
		r.RemoteAddr = p.RemoteAddr().String() // net/http asked before the first byte
	}
	if c.client.trusted {
		c.forwardHTTP(r)
	}
	parent := r.Context()
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	// net/http watches the client itself and gives no cause.
	stop := context.AfterFunc(parent, func() { cancel(ErrClientGone) })
	c.adopt(cancel)
	rw := &responseWriter{ResponseWriter: w, c: c}
	inner := r.WithContext(ctx)
	defer e.leave(rw, r, c, func() {
		stop()
		cancel(ErrFinished)
		if inner.MultipartForm != nil { // net/http cleans up only after its own request
			_ = inner.MultipartForm.RemoveAll()
		}
	})
	e.handler.ServeHTTP(rw, inner)
}

// leave runs after the handler, also when it panicked.
func (e *httpEngine) leave(rw *responseWriter, r *http.Request, c *conn, end func()) {
	defer end()
	v := recover()
	abort := false
	if v != nil {
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			abort = true
		} else {
			e.t.panicked("handler", r.Method, r.URL.Path, v, debug.Stack())
			abort = !rw.fail()
		}
	}
	status := rw.status
	if status == 0 {
		status = http.StatusOK
	}
	if c.result(status, e.record(rw, r, c)) || abort {
		panic(http.ErrAbortHandler)
	}
}

// record prepares the access line.
func (e *httpEngine) record(rw *responseWriter, r *http.Request, c *conn) *accessLine {
	l := c.line()
	if l == nil {
		return nil
	}
	l.Method, l.URI, l.Proto = r.Method, r.RequestURI, r.Proto
	l.Referer, l.UserAgent, l.RequestID = r.Referer(), r.UserAgent(), rw.Header().Get("X-Request-Id")
	l.Bytes = rw.written
	return l
}
