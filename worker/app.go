package worker

import (
	"context"
	"net/http"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/permits"
)

// App is what a worker serves: exactly one of FastHTTP and HTTP.
type App struct {
	// Name is the Server header of fasthttp's responses; empty sends none.
	Name string
	// Setup runs once, before the worker accepts connections. An error or a panic
	// ends the worker with handoff.ExitLoad. ctx ends when the worker is told
	// to stop meanwhile; the worker then leaves without waiting for Setup.
	Setup func(ctx context.Context, w *Info) error
	// Close runs once after the last request. ctx ends with the drain budget.
	Close func(ctx context.Context) error
	// Routes are the paths that are counted apart, at most 23; one that ends in
	// "*" stands for all that begin so. Every other path counts as "other".
	Routes []string
	// FastHTTP and HTTP are called from many goroutines at once. A panic
	// becomes a 500 and a log line.
	FastHTTP fasthttp.RequestHandler
	HTTP     http.Handler
	// TuneFastHTTP and TuneHTTP may change limits and buffers of the server
	// before it serves. Handlers, hooks, timeouts and Concurrency are the
	// worker's own: what is set there is overwritten.
	TuneFastHTTP func(*fasthttp.Server)
	TuneHTTP     func(*http.Server)
}

// Info tells a setup function which worker it sets up.
type Info struct {
	Slot       int
	Generation uint64
	PID        int
	Settings   config.Settings
	Logger     *zap.Logger // names this worker in every line

	// Draining is closed when the worker has been told to leave.
	Draining <-chan struct{}

	// Permits is the worker's side of the limits that all workers share; nil
	// without a master that keeps them. Package app/api/limit uses it.
	Permits *permits.Place

	// Upstream returns the counters of an upstream of the settings, for the master's
	// metrics; nil without a master. Package app/api uses it.
	Upstream func(name string) *Upstream

	// FastHTTP and HTTP may be set by Setup when the handler depends on the
	// settings; they replace the App's.
	FastHTTP fasthttp.RequestHandler
	HTTP     http.Handler
}
