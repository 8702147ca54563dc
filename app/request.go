package app

import (
	"context"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/worker"
)

// The causes of a request context's end; ask with context.Cause.
var (
	ErrClientGone = worker.ErrClientGone // the client closed its connection or its sending half
	ErrTimeout    = worker.ErrTimeout    // no progress for the timeout setting
	ErrDraining   = worker.ErrDraining   // the worker leaves and its drain budget is used up
	ErrFinished   = worker.ErrFinished   // the handler, and its stream, has returned
)

// StreamWriter writes a streamed response; see [Stream].
type StreamWriter = worker.StreamWriter

// Context returns the context of one fasthttp request. RequestCtx itself is a
// context of the whole server: it does not end when the client leaves, and it
// ends for every live stream as soon as a shutdown begins. This one ends with
// its request, and context.Cause says why. Call it from the handler. With
// [HTTP] the request's own context does the same.
func Context(ctx *fasthttp.RequestCtx) context.Context { return worker.RequestContext(ctx) }

// Stream makes fn write the response's body piece by piece, after the handler
// has returned. An error or a panic in fn breaks the stream visibly: the
// connection ends without the final chunk. A panic in a writer that was set by
// RequestCtx.SetBodyStreamWriter instead cannot be caught and ends the worker.
func Stream(ctx *fasthttp.RequestCtx, fn func(ctx context.Context, w *StreamWriter) error) {
	worker.Stream(ctx, fn)
}

// Progress tells the watchdog that a request which moves no bytes is alive
// all the same, as while it waits in a queue of the application's own.
func Progress(ctx *fasthttp.RequestCtx) { worker.Progress(ctx) }

// ProgressContext is [Progress] for whoever has only the request's context, see
// [Context], or one derived of it. Any goroutine may call it, also when the
// request is over.
func ProgressContext(ctx context.Context) { worker.ProgressContext(ctx) }
