// Command target is the application whose continuity is measured: every
// answer names the worker that gave it.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app"
	"github.com/webchasor/webchasor/internal/testproc"
)

func main() {
	app.Main(app.FastHTTP(handle))
}

func handle(ctx *fasthttp.RequestCtx) {
	pid := os.Getpid()
	ctx.Response.Header.Set(testproc.PIDHeader, strconv.Itoa(pid))
	switch string(ctx.Path()) {
	case "/pid":
		ctx.Response.AppendBody(strconv.AppendInt(nil, int64(pid), 10))
	case "/sleep":
		testproc.Pause(milliseconds(ctx, "ms"), nil)
		ctx.Response.AppendBody(strconv.AppendInt(nil, int64(pid), 10))
	case "/stream":
		stream(ctx)
	default:
		ctx.SetStatusCode(fasthttp.StatusNotFound)
	}
}

// stream sends n numbered events, `every` ms apart, then [DONE].
func stream(ctx *fasthttp.RequestCtx) {
	n, every := ctx.QueryArgs().GetUintOrZero("n"), milliseconds(ctx, "every")
	ctx.SetContentType("text/event-stream")
	app.Stream(ctx, func(ctx context.Context, w *app.StreamWriter) error {
		for i := range n {
			fmt.Fprintf(w, "data: %d\n\n", i)
			if err := w.Flush(); err != nil {
				return err
			}
			if !testproc.Pause(every, ctx.Done()) {
				return context.Cause(ctx)
			}
		}
		_, err := w.WriteString("data: [DONE]\n\n")
		return err
	})
}

func milliseconds(ctx *fasthttp.RequestCtx, key string) time.Duration {
	return time.Duration(ctx.QueryArgs().GetUintOrZero(key)) * time.Millisecond
}
