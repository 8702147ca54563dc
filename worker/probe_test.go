package worker

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// probe is an application, once for each server, whose requests the test holds
// in its hands.
type probe struct {
	entered chan string   // a path, when its handler begins
	release chan struct{} // ends the handlers of /stuck and friends
	causes  chan error    // why the contexts of /wait and friends ended
	ended   chan error    // what stream functions returned
	big     []byte        // more than the kernel takes from us while nobody reads
}

func newProbe() *probe {
	return &probe{
		entered: make(chan string, 64), release: make(chan struct{}),
		causes: make(chan error, 64), ended: make(chan error, 64), big: make([]byte, 10<<20),
	}
}

// waitFor is what /wait, /stuck and the others do before they answer.
func (p *probe) waitFor(ctx context.Context, path string, progress func()) {
	p.entered <- path
	switch path {
	case "/wait":
		<-ctx.Done()
		p.causes <- context.Cause(ctx)
	case "/stuck":
		<-p.release
	case "/busy":
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range 50 {
			<-tick.C
			progress()
		}
	case "/panic":
		panic("as ordered")
	}
}

// writeStream is what the streaming paths write. flush sends.
func (p *probe) writeStream(ctx context.Context, path string, w io.StringWriter, flush func() error) error {
	chunk := func(text string) error {
		if _, err := w.WriteString(text); err != nil {
			return err
		}
		return flush()
	}
	if err := chunk("first\n"); err != nil {
		return err
	}
	switch path {
	case "/stream/steady":
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range 50 {
			<-tick.C
			if err := chunk("tick\n"); err != nil {
				return err
			}
		}
	case "/stream/wait":
		<-ctx.Done()
		p.causes <- context.Cause(ctx)
		<-time.After(50 * time.Millisecond) // some of the time for a last word
		return chunk("error event\n")
	case "/stream/stuck":
		<-p.release
	case "/stream/stubborn":
		for chunk("more\n") == nil {
		}
		p.causes <- context.Cause(ctx)
		<-p.release
		return io.ErrClosedPipe
	case "/stream/endless":
		for {
			if err := chunk(strings.Repeat("x", 64<<10)); err != nil {
				p.causes <- context.Cause(ctx)
				return err
			}
		}
	case "/stream/error":
		return io.ErrNoProgress
	case "/stream/panic":
		panic("as ordered")
	}
	return chunk("last\n")
}

func (p *probe) fast() App {
	return App{FastHTTP: func(ctx *fasthttp.RequestCtx) {
		path := string(ctx.Path())
		if strings.HasPrefix(path, "/stream") {
			Stream(ctx, func(c context.Context, w *StreamWriter) error {
				p.entered <- path
				err := p.writeStream(c, path, w, w.Flush)
				p.ended <- err
				return err
			})
			return
		}
		switch path {
		case "/ok":
		case "/body":
			ctx.SetBody(ctx.PostBody())
			return
		case "/big":
			ctx.Response.SetBodyRaw(p.big)
			p.entered <- path
			return
		default:
			var c context.Context
			if path == "/wait" {
				c = RequestContext(ctx)
			}
			p.waitFor(c, path, func() { Progress(ctx) })
		}
		ctx.SetBodyString("ok " + path)
	}}
}

func (p *probe) http() App {
	return App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if strings.HasPrefix(path, "/stream") {
			p.entered <- path
			err := p.writeStream(r.Context(), path, w.(io.StringWriter), http.NewResponseController(w).Flush)
			p.ended <- err
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			return
		}
		switch path {
		case "/ok":
		case "/body":
			_, _ = io.Copy(w, r.Body)
			return
		case "/big":
			p.entered <- path
			_, _ = w.Write(p.big)
			return
		default:
			p.waitFor(r.Context(), path, func() { ProgressContext(r.Context()) })
		}
		fmt.Fprintf(w, "ok %s", path)
	})}
}

// both runs a test with each server.
func both(t *testing.T, f func(t *testing.T, p *probe, app App)) {
	t.Helper()
	for name, app := range map[string]func(*probe) App{"fasthttp": (*probe).fast, "http": (*probe).http} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProbe()
			f(t, p, app(p))
		})
	}
}
