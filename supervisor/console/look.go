package console

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/webchasor/webchasor/internal/control"
)

func (c console) status(r *http.Request) (any, error) { return c.Status(r.Context()) }
func (c console) deaths(r *http.Request) (any, error) { return c.Deaths(r.Context()) }
func (c console) death(r *http.Request) (any, error)  { return c.Death(r.Context(), r.PathValue("id")) }

// health is for probes, so the status of HTTP says it too.
func (c console) health(w http.ResponseWriter, r *http.Request) {
	h, err := c.Health(r.Context())
	switch {
	case err != nil:
		fail(w, err)
	case h.State == control.HealthDown:
		write(w, http.StatusServiceUnavailable, h)
	default:
		write(w, http.StatusOK, h)
	}
}

// maxRequests keeps an answer readable, and the loop's work on it short.
const maxRequests = 10_000

func (c console) requests(r *http.Request) (any, error) {
	limit, err := number(r, "limit", maxRequests)
	if err != nil {
		return nil, err
	}
	return c.Requests(r.Context(), int(min(limit, maxRequests)))
}

func (c console) stacks(r *http.Request) (any, error) {
	n, err := slot(r)
	if err != nil {
		return nil, err
	}
	return c.Stacks(r.Context(), n)
}

const (
	profileDefault = 10
	profileMost    = 300
)

func (c console) profile(w http.ResponseWriter, r *http.Request) {
	n, err := slot(r)
	if err != nil {
		fail(w, err)
		return
	}
	seconds, err := number(r, "seconds", profileDefault)
	if err != nil {
		fail(w, err)
		return
	}
	kind := r.URL.Query().Get("kind")
	switch kind {
	case "cpu", "heap", "goroutine", "trace":
	default:
		fail(w, usage("cannot make a profile of kind "+strconv.Quote(kind)+": there are cpu, heap, goroutine, trace"))
		return
	}
	if seconds < 1 || seconds > profileMost {
		fail(w, usage("cannot profile for "+strconv.FormatUint(seconds, 10)+" seconds: 1 to "+strconv.Itoa(profileMost)))
		return
	}
	late := &lateHeader{ResponseWriter: w}
	if err := c.Profile(r.Context(), n, kind, int(seconds), late); err != nil {
		if !late.begun {
			fail(w, err)
			return
		}
		// Half a profile must not look like a whole one.
		panic(http.ErrAbortHandler)
	}
}

// lateHeader says that the body is a file when its first byte comes, so that an
// error before it can still be an error.
type lateHeader struct {
	http.ResponseWriter
	begun bool
}

func (l *lateHeader) Write(p []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.Header().Set("Content-Type", "application/octet-stream")
	}
	return l.ResponseWriter.Write(p)
}

// alive is how often a follower without events gets an empty line, so that both sides
// notice when the other one is gone.
const alive = 15 * time.Second

// events answers with what is there, or follows along: one event per line.
func (c console) events(w http.ResponseWriter, r *http.Request) {
	since, err := number(r, "since", 0)
	if err != nil {
		fail(w, err)
		return
	}
	if !flag(r, "follow") {
		e, _ := c.Events(since)
		write(w, http.StatusOK, e)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	c.follow(r.Context(), w, since)
}

func (c console) follow(ctx context.Context, w http.ResponseWriter, since uint64) {
	out, lines := http.NewResponseController(w), json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	idle := time.NewTicker(alive)
	defer idle.Stop()
	for last := false; ; {
		e, changed := c.Events(since)
		for _, one := range e.Events {
			if lines.Encode(one) != nil {
				return
			}
		}
		since = e.Seq
		if out.Flush() != nil || last {
			return
		}
		select {
		case <-changed:
		case <-idle.C:
			if _, err := w.Write([]byte("\n")); err != nil {
				return
			}
		case <-c.leaving:
			last = true // how it came to that may not have been told yet
		case <-ctx.Done():
			return
		}
	}
}
