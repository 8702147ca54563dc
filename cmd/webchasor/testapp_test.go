package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app"
	"github.com/webchasor/webchasor/internal/testproc"
)

// testApp is an application that misbehaves as its client wishes. Every answer
// names the worker; `touch=NAME` creates a file when the handler has begun, with the
// worker's pid in it, so that a test knows when a request is under way, and where.
func testApp() app.App {
	return app.FastHTTP(testHandler, app.WithSetup(testSetup))
}

func testHandler(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set(testproc.PIDHeader, strconv.Itoa(os.Getpid()))
	if name := ctx.QueryArgs().Peek("touch"); len(name) > 0 {
		touch(string(name))
	}
	switch string(ctx.Path()) {
	case "/pid":
		fmt.Fprintf(ctx, "%d\n", os.Getpid())
	case "/sleep": // as handlers do that know no context
		testproc.Pause(milliseconds(ctx, "ms"), nil)
		fmt.Fprintf(ctx, "%d\n", os.Getpid())
	case "/held": // while that file is there
		for exists(filepath.Base(string(ctx.QueryArgs().Peek("while")))) {
			testproc.Pause(testproc.Every, nil)
		}
		fmt.Fprintf(ctx, "%d\n", os.Getpid())
	case "/wait": // a handler that listens to its context
		wait(app.Context(ctx), milliseconds(ctx, "ms"), string(ctx.QueryArgs().Peek("cause")))
		fmt.Fprintf(ctx, "%d\n", os.Getpid())
	case "/spin":
		for spinning := true; spinning; { // never yields, never ends
		}
	case "/block":
		select {}
	case "/mutex":
		var mu sync.Mutex
		mu.Lock()
		mu.Lock()
	case "/panic":
		panic("panic on request")
	case "/panic-goroutine":
		go func() { panic("panic in a goroutine") }()
		select {}
	case "/segv":
		fault()
	case "/exit":
		os.Exit(ctx.QueryArgs().GetUintOrZero("code"))
	case "/die": // only if it is given a code
		if code, err := ctx.QueryArgs().GetUint("code"); err == nil {
			os.Exit(code)
		}
		fmt.Fprintf(ctx, "%d\n", os.Getpid())
	case "/leak":
		leak(ctx.QueryArgs().GetUintOrZero("mb"))
		fmt.Fprintf(ctx, "%d\n", os.Getpid())
	case "/share":
		fmt.Fprintf(ctx, "%d %d\n", runtime.GOMAXPROCS(0), debug.SetMemoryLimit(-1))
	case "/body":
		fmt.Fprintf(ctx, "%d\n", len(ctx.PostBody()))
	case "/orphan":
		orphan(ctx.QueryArgs().GetUintOrZero("code"))
	case "/orphans":
		orphans(ctx.QueryArgs().GetUintOrZero("n"))
	case "/stderr":
		fmt.Fprintf(os.Stderr, "%s\n", ctx.QueryArgs().Peek("text"))
	case "/stream":
		stream(ctx, false)
	case "/stream-panic":
		stream(ctx, true)
	case "/download":
		ctx.SetBody(make([]byte, ctx.QueryArgs().GetUintOrZero("mb")<<20))
	case "/hijack":
		ctx.SetStatusCode(fasthttp.StatusSwitchingProtocols)
		ctx.Hijack(echoUntilBye)
	default:
		ctx.SetStatusCode(fasthttp.StatusNotFound)
	}
}

// stream sends n numbered events, `every` ms apart, then [DONE].
func stream(ctx *fasthttp.RequestCtx, panics bool) {
	n, every := ctx.QueryArgs().GetUintOrZero("n"), milliseconds(ctx, "every")
	ctx.SetContentType("text/event-stream")
	app.Stream(ctx, func(ctx context.Context, w *app.StreamWriter) error {
		for i := range n {
			fmt.Fprintf(w, "data: %d\n\n", i)
			if err := w.Flush(); err != nil {
				return err
			}
			if panics {
				panic("panic in a stream")
			}
			if !testproc.Pause(every, ctx.Done()) {
				fmt.Fprintf(w, "data: {\"error\":%q}\n\n", context.Cause(ctx))
				return w.Flush()
			}
		}
		_, err := w.WriteString("data: [DONE]\n\n")
		return err
	})
}

// echoUntilBye is an application's own protocol: a byte comes back, until it is 0.
func echoUntilBye(c net.Conn) {
	defer c.Close()
	for b := make([]byte, 1); ; {
		if _, err := c.Read(b); err != nil || b[0] == 0 {
			return
		}
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// wait ends early with the context, and writes the cause to a file when asked to.
func wait(ctx context.Context, d time.Duration, file string) {
	if !testproc.Pause(d, ctx.Done()) && file != "" {
		writeWhole(file, context.Cause(ctx).Error())
	}
}

func milliseconds(ctx *fasthttp.RequestCtx, key string) time.Duration {
	return time.Duration(ctx.QueryArgs().GetUintOrZero(key)) * time.Millisecond
}

func touch(name string) { writeWhole(name, strconv.Itoa(os.Getpid())) }

// writeWhole writes a file that is never seen half written, in the working
// directory, which is the test's.
func writeWhole(name, text string) {
	name = filepath.Base(name)
	temp := fmt.Sprintf(".%s.%d", name, os.Getpid())
	if os.WriteFile(temp, []byte(text), 0o600) == nil {
		_ = os.Rename(temp, name)
	}
}

// leaked keeps what /leak allocates; it is what a leak is.
var leaked struct {
	sync.Mutex
	pages [][]byte
}

func leak(mb int) {
	pages := make([]byte, mb<<20)
	for i := 0; i < len(pages); i += 4096 {
		pages[i] = 1
	}
	leaked.Lock()
	leaked.pages = append(leaked.pages, pages)
	leaked.Unlock()
}

// fault touches memory that is no longer mapped, which no recover can catch.
func fault() {
	page, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err == nil {
		stale := page
		_ = syscall.Munmap(page)
		stale[0] = 1
	}
}

// orphan starts a shell that starts another and leaves it behind.
func orphan(code int) {
	script := fmt.Sprintf("(sleep 0.2; : > orphan-done; exit %d) & exit 0", code)
	_ = exec.Command("/bin/sh", "-c", script).Run()
}

// orphans leaves n processes behind, one after the other.
func orphans(n int) {
	script := fmt.Sprintf("i=0; while [ $i -lt %d ]; do (: & exit 0); i=$((i + 1)); done; : > orphans-done", n)
	_ = exec.Command("/bin/sh", "-c", script).Run()
}

// netHTTPApp is the small brother on net/http.
func netHTTPApp() app.App {
	mux := http.NewServeMux()
	mux.HandleFunc("/pid", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, os.Getpid()) })
	mux.HandleFunc("/tls", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.TLS != nil && r.TLS.HandshakeComplete, r.TLS.NegotiatedProtocol)
	})
	mux.HandleFunc("/remote", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, r.RemoteAddr) })
	mux.HandleFunc("/block", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // which may never come
		select {}
	})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("panic on request") })
	mux.HandleFunc("/sleep", func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.Atoi(r.FormValue("ms"))
		testproc.Pause(time.Duration(ms)*time.Millisecond, nil)
		fmt.Fprintln(w, os.Getpid())
	})
	mux.HandleFunc("/stream", streamHTTP)
	mux.HandleFunc("/download", func(w http.ResponseWriter, r *http.Request) {
		mb, _ := strconv.Atoi(r.FormValue("mb"))
		_, _ = w.Write(make([]byte, mb<<20))
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		go echoUntilBye(c)
	})
	return app.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(testproc.PIDHeader, strconv.Itoa(os.Getpid()))
		if name := r.FormValue("touch"); name != "" {
			touch(name)
		}
		mux.ServeHTTP(w, r)
	}), app.WithSetup(testSetup))
}

// streamHTTP is stream for net/http.
func streamHTTP(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.FormValue("n"))
	every, _ := strconv.Atoi(r.FormValue("every"))
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	for i := range n {
		fmt.Fprintf(w, "data: %d\n\n", i)
		if control.Flush() != nil {
			return
		}
		if !testproc.Pause(time.Duration(every)*time.Millisecond, r.Context().Done()) {
			fmt.Fprintf(w, "data: {\"error\":%q}\n\n", context.Cause(r.Context()))
			return
		}
	}
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}
