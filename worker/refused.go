package worker

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/shape"
	"github.com/webchasor/webchasor/internal/sys"
)

// refusedShapes are the kinds of requests in quarantine. Nearly always there
// are none, and then a request costs one atomic load. Without a clock it must stay empty.
type refusedShapes struct {
	clock sys.Clock                         // the same as the master's
	list  atomic.Pointer[[]handoff.Refusal] // nil for none; never written to
}

// set replaces the list.
func (q *refusedShapes) set(list []handoff.Refusal) {
	if len(list) == 0 {
		q.list.Store(nil)
		return
	}
	q.list.Store(&list)
}

// wait is how long a request of this kind is still refused; 0 is not at all.
func (q *refusedShapes) wait(method, path string, now time.Duration) time.Duration {
	list := q.list.Load()
	if list == nil {
		return 0
	}
	kind := shape.Of(method, path)
	for _, r := range *list {
		if r.Shape == kind {
			return max(r.Until-now, 0)
		}
	}
	return 0
}

// quarantineBody says why.
var quarantineBody = envelope("Requests of this kind have stopped the server and are refused for a while.", "server_error", "request_quarantined")

// retryAfter is the header's value: whole seconds, rounded up.
func retryAfter(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

// fastHTTP puts the quarantine in front of a handler; nil stays nil.
func (q *refusedShapes) fastHTTP(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	if next == nil {
		return nil
	}
	return func(ctx *fasthttp.RequestCtx) {
		if q.list.Load() == nil {
			next(ctx)
			return
		}
		left := q.wait(string(ctx.Method()), string(ctx.Path()), q.clock.Now())
		if left == 0 {
			next(ctx)
			return
		}
		ctx.Response.Header.Set("Retry-After", retryAfter(left))
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		ctx.SetContentType("application/json")
		ctx.SetBodyString(quarantineBody)
	}
}

// http does the same for net/http.
func (q *refusedShapes) http(next http.Handler) http.Handler {
	if next == nil {
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		left := q.wait(r.Method, r.URL.Path, q.clock.Now())
		if left == 0 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", retryAfter(left))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(quarantineBody))
	})
}
