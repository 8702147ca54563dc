package worker

import (
	"errors"
	"net"
	"runtime/debug"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
)

// writeBuffer is where fasthttp puts a response together; what is larger goes past
// it. A stream keeps it for as long as it lasts; fasthttp's default is 4 KiB.
const writeBuffer = 2 << 10

type fastEngine struct {
	t       *tracker
	handler fasthttp.RequestHandler
}

// newFastEngine makes a fasthttp server that leaves time and admission to us:
// its Concurrency answers 503 where the gate waits (P9), its WriteTimeout
// bounds whole streams (P5), its idle timeout costs a deadline per request. With
// ReduceMemoryUsage it flushes every response: one that is kept back while the next
// pipelined request is served could be overtaken by the watchdog's answer to that.
func newFastEngine(t *tracker, a App, s config.Settings) *fasthttp.Server {
	e := &fastEngine{t: t, handler: t.refused.fastHTTP(a.FastHTTP)}
	srv := &fasthttp.Server{}
	if a.TuneFastHTTP != nil {
		a.TuneFastHTTP(srv)
	}
	if srv.WriteBufferSize == 0 {
		srv.WriteBufferSize = writeBuffer
	}
	if srv.Name == "" {
		srv.Name, srv.NoDefaultServerHeader = a.Name, a.Name == ""
	}
	srv.Handler = e.serve
	srv.ConnState = e.state
	srv.ErrorHandler = refuseBad
	srv.Concurrency = max(fasthttp.DefaultConcurrency, 2*s.WorkerConnections)
	srv.ReadTimeout, srv.WriteTimeout, srv.IdleTimeout = 0, 0, 0
	t.entrance = newEntrance(s, false, true)
	limitFastHTTP(srv, s)
	srv.DisableKeepalive = srv.DisableKeepalive || s.Keepalive == 0
	srv.CloseOnShutdown = false
	// No buffers for connections that wait, nor, but for the response, for those that
	// stream; the price of it, reads of one byte, is not paid: see [ahead].
	srv.ReduceMemoryUsage, t.thrifty = true, true
	srv.TCPKeepalive = false // Go's own default is on
	srv.Logger = serverLog{t.log}
	return srv
}

// state follows the server's view of the connection.
func (e *fastEngine) state(nc net.Conn, s fasthttp.ConnState) {
	c, ok := connOf(nc)
	if !ok {
		return
	}
	switch s {
	case fasthttp.StateActive:
		c.pipelined() // nothing unless the request came with the one before
	case fasthttp.StateIdle:
		c.done()
	case fasthttp.StateHijacked:
		c.hijacked()
	case fasthttp.StateNew, fasthttp.StateClosed:
	}
}

// serve is the handler that fasthttp calls.
func (e *fastEngine) serve(ctx *fasthttp.RequestCtx) {
	c, ok := connOf(ctx.Conn())
	if !ok || !c.enter(e.t.totals.routes.Find(ctx.Path())) {
		ctx.SetConnectionClose()
		return
	}
	c.entry.DescribeBytes(ctx.Method(), ctx.Path())
	if c.scrutiny.Variants() {
		dropVariants(ctx.Request.Header.Del)
	}
	if c.client.trusted {
		c.forwardFast(ctx)
	}
	defer e.leave(ctx, c)
	e.handler(ctx)
}

// leave runs after the handler, also when it panicked.
func (e *fastEngine) leave(ctx *fasthttp.RequestCtx, c *conn) {
	if v := recover(); v != nil {
		e.t.panicked("handler", string(ctx.Method()), string(ctx.Path()), v, debug.Stack())
		ctx.Response.Reset()
		ctx.SetStatusCode(fasthttp.StatusInternalServerError)
		ctx.SetContentType("application/json")
		ctx.SetBodyString(panicBody)
	}
	resp := &ctx.Response
	if late := ctx.LastTimeoutErrorResponse(); late != nil {
		resp = late
	}
	followed := c.followed(sizeOf(ctx))
	ctx.Request.ReleaseBody(smallBody) // or the connection keeps it
	// In a drain the last answer says that it is the last. A pipelined request
	// that has been read already is answered here first.
	if c.result(resp.StatusCode(), e.record(ctx, c, resp)) || c.parts() && !followed {
		resp.Header.SetConnectionClose()
	}
}

// sizeOf is how many bytes the request had on the wire, 0 for a chunked one.
func sizeOf(ctx *fasthttp.RequestCtx) uint64 {
	h := &ctx.Request.Header
	if h.ContentLength() == -1 {
		return 0
	}
	const spaces, lineEnd = 2, 2
	head := len(h.Method()) + len(h.RequestURI()) + len(h.Protocol()) + spaces + lineEnd + max(len(h.RawHeaders()), lineEnd)
	return uint64(head + max(h.ContentLength(), 0))
}

// record prepares the access line; it outlives the RequestCtx.
func (e *fastEngine) record(ctx *fasthttp.RequestCtx, c *conn, resp *fasthttp.Response) *accessLine {
	l := c.line()
	if l == nil {
		return nil
	}
	h := &ctx.Request.Header
	l.texts(h.Method(), h.RequestURI(), h.Protocol(), h.Referer(), h.UserAgent(), resp.Header.Peek("X-Request-Id"))
	switch body := resp.BodyStream().(type) {
	case nil:
		l.Bytes = int64(len(resp.Body()))
	case *stream:
		l.Bytes, body.line = 0, l
	default:
		l.Bytes = unknownSize
	}
	return l
}

// refuseBad answers requests that fasthttp could not read.
func refuseBad(ctx *fasthttp.RequestCtx, err error) {
	status, message := fasthttp.StatusBadRequest, "The request could not be parsed."
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		status, message = fasthttp.StatusRequestHeaderFieldsTooLarge, "The request's headers are too large."
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		status, message = fasthttp.StatusRequestEntityTooLarge, "The request's body is too large."
	case strings.Contains(err.Error(), "i/o timeout"):
		status, message = fasthttp.StatusRequestTimeout, "The request did not arrive in time."
	}
	ctx.ResetBody()
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBodyString(envelope(message, "invalid_request_error", "bad_request"))
	if c, ok := connOf(ctx.Conn()); ok {
		c.result(status, nil)
	}
}
