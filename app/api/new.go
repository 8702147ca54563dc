package api

import (
	"context"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app"
	"github.com/webchasor/webchasor/app/api/limit"
	"github.com/webchasor/webchasor/app/api/upstream"
	"github.com/webchasor/webchasor/internal/build"
	"github.com/webchasor/webchasor/internal/config"
)

// New returns the WebChasor API as a program for app.Main.
func New() app.App {
	var here gateway
	return app.FastHTTP(nil,
		app.WithName("webchasor"),
		app.WithCommands("serve an OpenAI-compatible API from supervised worker processes"),
		app.WithSetup(here.setup),
		app.WithClose(here.close),
		app.WithRoutes("/", "/health", "/ready", "/v1/models", "/v1/models/*", "/v1/chat/completions",
			"/v1/completions", "/v1/embeddings", "/v1/responses"),
	)
}

// gateway is what a worker has to close at its end.
type gateway struct {
	cluster *limit.Cluster // nil: the limits are not those of a cluster
	server  *server        // nil before the setup
}

// setup makes this worker's server from its settings.
func (g *gateway) setup(_ context.Context, w *app.Worker) error {
	h := hostOf(w)
	if limits := w.Settings.API.Limits; limits.Scope == config.ScopeCluster {
		var err error
		if h.cluster, err = limit.OpenCluster(limits.Redis.Reveal(), limits.RedisTimeout, w.Logger); err != nil {
			return fmt.Errorf("cannot count the limits in redis.url: %w", err)
		}
		g.cluster = h.cluster
	}
	s, err := newServer(w.Settings.API, w.Settings.Timeout, w.Logger, h)
	if err != nil {
		return err
	}
	g.server, w.FastHTTP = s, s.handle
	return nil
}

// close ends connections, and gives the last leases back now instead of letting
// them run out.
func (g *gateway) close(context.Context) error {
	if g.server != nil {
		g.server.close()
	}
	if g.cluster == nil {
		return nil
	}
	return g.cluster.Close()
}

// hostOf connects the API to the worker it runs in.
func hostOf(w *app.Worker) host {
	var meter func(string) upstream.Meter
	if w.Upstream != nil {
		meter = func(name string) upstream.Meter { return w.Upstream(name) }
	}
	return host{
		meter:          meter,
		requestContext: app.Context,
		stream: func(ctx *fasthttp.RequestCtx, fn func(context.Context, Writer) error) {
			app.Stream(ctx, func(c context.Context, out *app.StreamWriter) error { return fn(c, out) })
		},
		progress: app.Progress,
		alive:    app.ProgressContext,
		news:     w.Permits.News,
		draining: func() bool {
			select {
			case <-w.Draining:
				return true
			default:
				return false
			}
		},
		errTimeout:  app.ErrTimeout,
		errDraining: app.ErrDraining,
		place:       w.Permits,
		self: identity{
			Version: build.Version(), Slot: w.Slot, PID: w.PID, Generation: w.Generation, Started: time.Now(),
		},
	}
}
