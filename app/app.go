package app

import (
	"context"
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/build"
	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/worker"
)

// App is a program to serve. Make one with [FastHTTP] or [HTTP].
type App struct {
	name         string
	version      string
	usage        string
	groups       []config.Group
	defaultServe bool
	handler      worker.App
}

// Worker tells a setup function which worker it sets up: slot, generation,
// pid, settings and a logger that names them in every line.
type Worker = worker.Info

// Option changes an App.
type Option func(*App)

// FastHTTP makes an App of a fasthttp handler. The handler runs in every
// worker process, in many goroutines at once; a panic in it becomes a 500.
func FastHTTP(h fasthttp.RequestHandler, opts ...Option) App {
	return newApp(worker.App{FastHTTP: h}, opts)
}

// HTTP makes an App of a net/http handler, with the same guarantees.
func HTTP(h http.Handler, opts ...Option) App {
	return newApp(worker.App{HTTP: h}, opts)
}

func newApp(w worker.App, opts []Option) App {
	a := App{handler: w, groups: []config.Group{config.GroupServer}, defaultServe: true}
	for _, o := range opts {
		o(&a)
	}
	return a
}

// WithName sets the name in logs, ps and messages. The default is the
// executable's.
func WithName(name string) Option { return func(a *App) { a.name = name } }

// WithVersion sets what `prog version` and the start-up line say. The default
// comes from the build information.
func WithVersion(v string) Option { return func(a *App) { a.version = v } }

// WithSetup runs f once in every worker before it accepts connections. An
// error or a panic ends that worker with status 4: at the first start that
// ends the master, in a reload it rolls the reload back. ctx ends when the
// worker is told to stop while it still sets up.
func WithSetup(f func(ctx context.Context, w *Worker) error) Option {
	return func(a *App) { a.handler.Setup = f }
}

// WithClose runs f once in every worker after its last request, before it
// exits. ctx ends with the worker's drain budget.
func WithClose(f func(ctx context.Context) error) Option {
	return func(a *App) { a.handler.Close = f }
}

// WithCommands makes the program behave like `webchasor`: without a command it prints
// its help, and all settings groups, those of the WebChasor API included, are its own.
func WithCommands(usage string) Option {
	return func(a *App) {
		a.usage, a.defaultServe, a.groups = usage, false, nil
	}
}

// WithRoutes names the paths whose requests the metrics count and time apart, at most 23; one
// that ends in "*" stands for all paths that begin so. Every other path counts as "other",
// so that clients cannot make new series.
func WithRoutes(paths ...string) Option {
	return func(a *App) { a.handler.Routes = paths }
}

func (a App) worker() worker.App {
	w := a.handler
	w.Name = a.name
	return w
}

// version falls back to what the go command stamped into the binary.
func (a App) versionOrBuild() string {
	if a.version != "" {
		return a.version
	}
	return build.Version()
}
