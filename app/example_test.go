package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app"
)

// A fasthttp program with a master, workers, reload and upgrade in one line.
func ExampleFastHTTP() {
	app.Main(app.FastHTTP(func(ctx *fasthttp.RequestCtx) {
		ctx.SetBodyString("hello\n")
	}))
}

// The same for net/http.
func ExampleHTTP() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello")
	})
	app.Main(app.HTTP(mux))
}

// Setup runs once per worker. If it fails at the first start the master exits
// with status 4; if it fails in a reload the old workers serve on.
func ExampleWithSetup() {
	app.Main(app.FastHTTP(nil, app.WithSetup(func(_ context.Context, w *app.Worker) error {
		dsn := os.Getenv("DSN")
		if dsn == "" {
			return errors.New("DSN is not set")
		}
		w.FastHTTP = func(ctx *fasthttp.RequestCtx) {
			fmt.Fprintf(ctx, "worker %d talks to %s\n", w.Slot, dsn)
		}
		return nil
	})))
}

// A stream of server-sent events that ends when the client leaves, and says so
// when the worker has to.
func ExampleStream() {
	app.Main(app.FastHTTP(func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType("text/event-stream")
		app.Stream(ctx, func(ctx context.Context, w *app.StreamWriter) error {
			ticker := time.NewTicker(time.Second)
			defer ticker.Stop()
			for {
				select {
				case now := <-ticker.C:
					fmt.Fprintf(w, "data: %s\n\n", now.Format(time.TimeOnly))
					if err := w.Flush(); err != nil {
						return err
					}
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
		})
	}))
}
