// Package console is the control API of a master as an http.Handler: the
// contract of internal/control over whatever listener the caller has, a unix
// socket or the admin address. It decides nothing; it translates requests into
// calls of a [Master] and answers into JSON.
package console

import (
	"context"
	"io"
	"net/http"

	"github.com/webchasor/webchasor/internal/control"
)

// Master is what can be asked. Every method may be called from any goroutine,
// returns when the answer is there or ctx ends, and answers while every worker
// hangs. Errors are a *control.Error where the caller can do something about them.
type Master interface {
	Status(ctx context.Context) (control.Status, error)
	Health(ctx context.Context) (control.Health, error)
	Requests(ctx context.Context, limit int) (control.Requests, error)
	// Events after seq; changed is closed when there are more.
	Events(seq uint64) (e control.Events, changed <-chan struct{})
	Deaths(ctx context.Context) (control.Deaths, error)
	Death(ctx context.Context, id string) (control.DeathRecord, error)

	// With wait they return at the end of what was ordered, else when it has begun.
	Reload(ctx context.Context, wait bool) (control.Result, error)
	Upgrade(ctx context.Context, wait bool) (control.Result, error)
	Rollback(ctx context.Context, wait bool) (control.Result, error)

	Plan(ctx context.Context) (control.Plan, error) // what a reload would do
	Scale(ctx context.Context, o control.ScaleOrder) (control.Result, error)
	Recycle(ctx context.Context, o control.RecycleOrder) (control.Result, error)
	Drain(ctx context.Context) (control.Result, error)
	LogLevel(ctx context.Context, o control.LevelOrder) (control.Result, error)

	Stacks(ctx context.Context, slot int) (control.Stacks, error)
	// Profile writes what pprof or go tool trace read. The kind is cpu, heap,
	// goroutine or trace; seconds count for cpu and trace.
	Profile(ctx context.Context, slot int, kind string, seconds int, w io.Writer) error
}

// Handler serves the whole API. Who may use it is the caller's business. When
// leaving is closed, answers without an end come to theirs.
func Handler(m Master, leaving <-chan struct{}) http.Handler {
	c := console{m, leaving}
	mux := http.NewServeMux()
	get := func(path string, do func(r *http.Request) (any, error)) { mux.HandleFunc("GET "+path, reply(do)) }
	post := func(path string, do func(r *http.Request) (any, error)) { mux.HandleFunc("POST "+path, reply(do)) }
	get(control.PathStatus, c.status)
	get(control.PathRequests, c.requests)
	get(control.PathDeaths, c.deaths)
	get(control.PathDeath, c.death)
	get(control.PathStacks, c.stacks)
	mux.HandleFunc("GET "+control.PathHealth, c.health)
	mux.HandleFunc("GET "+control.PathEvents, c.events)
	mux.HandleFunc("GET "+control.PathProfile, c.profile)
	post(control.PathReload, c.reload)
	post(control.PathUpgrade, c.upgrade)
	post(control.PathRollback, c.rollback)
	post(control.PathScale, c.scale)
	post(control.PathRecycle, c.recycle)
	post(control.PathDrain, c.drain)
	mux.HandleFunc("PUT "+control.PathLogLevel, reply(c.logLevel))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fail(w, unknown(mux, r)) })
	return mux
}

// unknown says what is wrong with a request that has no handler.
func unknown(mux *http.ServeMux, r *http.Request) error {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
		if _, pattern := mux.Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host}); pattern != "/" {
			return usage("cannot " + r.Method + " " + r.URL.Path + ": it is for " + method)
		}
	}
	return &control.Error{Code: control.CodeNotFound, Message: "cannot find " + r.URL.Path + ": docs/control.md lists what there is"}
}

type console struct {
	Master
	leaving <-chan struct{}
}
