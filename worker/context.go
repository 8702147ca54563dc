package worker

import (
	"context"

	"github.com/valyala/fasthttp"
)

// connKey finds the connection in a request's context.
type connKey struct{}

// RequestContext returns the context of the request that ctx is serving. Every
// call during one request returns the same one. Unlike ctx itself it ends for
// this request alone, see the package documentation, and it may be kept and
// used after the handler has returned. A client that closes only its sending
// half counts as gone.
//
// The first call makes the context and starts watching the client, so a
// handler that never asks pays nothing. It must come before the handler
// returns. On a connection that is not a worker's, as in a handler's unit
// test, the context is the background context.
func RequestContext(ctx *fasthttp.RequestCtx) context.Context {
	c, ok := connOf(ctx.Conn())
	if !ok {
		return context.Background()
	}
	return c.context()
}

// Progress tells the watchdog that the request is alive although no byte moved,
// so that waiting on purpose, as in a queue, is not taken for a hang. Call it
// as often as the timeout demands; it costs next to nothing.
func Progress(ctx *fasthttp.RequestCtx) {
	if c, ok := connOf(ctx.Conn()); ok {
		c.marks.Add(1)
	}
}

// ProgressContext is [Progress] for whoever has only the request's context: the
// one of [RequestContext], or that of a net/http request, or one derived of them.
func ProgressContext(ctx context.Context) {
	if c, ok := ctx.Value(connKey{}).(*conn); ok {
		c.marks.Add(1)
	}
}

// context makes the exchange's context when it is first asked for.
func (c *conn) context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.req
	if r.ctx != nil {
		return r.ctx
	}
	r.ctx, r.cancel = context.WithCancelCause(context.WithValue(context.Background(), connKey{}, c))
	switch {
	case r.cause != nil:
		r.cancel(r.cause)
	case !r.open:
		r.cancel(ErrFinished)
	default:
		r.watched = c.t.hangups.watch(c, r.id)
	}
	return r.ctx
}

// adopt lets net/http's context of the exchange end with ours.
func (c *conn) adopt(cancel context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.req.cancel = cancel
	if c.req.cause != nil {
		cancel(c.req.cause)
	}
}

// endContext ends the exchange's context, if anybody asked for it. c.mu is held.
func (c *conn) endContext(cause error) {
	r := &c.req
	if r.watched {
		r.watched = false
		c.t.hangups.unwatch(c, r.id)
	}
	if r.cancel != nil {
		r.cancel(cause)
	}
}

// clientGone ends the context of exchange id; it may be over by now.
func (c *conn) clientGone(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.req.id == id && c.req.open {
		c.endContext(ErrClientGone)
	}
}
