package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"github.com/webchasor/webchasor/app/api/cache"
	"github.com/webchasor/webchasor/app/api/keys"
	"github.com/webchasor/webchasor/app/api/limit"
	"github.com/webchasor/webchasor/app/api/upstream"
	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/permits"
)

// maxBody is the largest request body in bytes when the settings name none. It is
// fasthttp's own default. The worker refuses larger ones before us, with 413 too.
const maxBody = fasthttp.DefaultMaxRequestBodySize

// Writer is the response body of a stream. It belongs to one goroutine.
type Writer interface {
	io.Writer
	io.StringWriter
	// Flush sends what was written; it blocks while the client does not read.
	Flush() error
}

// host is what the API needs from the process it runs in.
type host struct {
	// requestContext returns the context of a request. It ends when the client
	// is gone or with errTimeout or errDraining as its cause.
	requestContext func(*fasthttp.RequestCtx) context.Context
	// stream makes the response a chunked stream written by the function, whose
	// context is the request's and lives until it returns. If the response is
	// never written, the function is not called and that context ends.
	stream func(*fasthttp.RequestCtx, func(context.Context, Writer) error)
	// progress tells the watchdog that the request is not stuck.
	progress func(*fasthttp.RequestCtx)
	// alive is the same by the request's context, for any goroutine and at any time.
	alive func(context.Context)
	// draining says that this worker takes no new work.
	draining func() bool
	// news is what the master tells of the whole service; ok is false without one.
	news func() (_ permits.News, ok bool)

	errTimeout  error // cause of a context that the watchdog ended
	errDraining error // cause of a context that a drain deadline ended

	self identity

	meter func(upstream string) upstream.Meter // who watches the upstreams; nil is nobody

	place   *limit.Place   // where the limits count; nil counts here alone
	cluster *limit.Cluster // counts all hosts too; nil does not
}

// identity is what /health and / say about this worker.
type identity struct {
	Version    string
	Slot       int
	PID        int
	Generation uint64
	Started    time.Time
}

// server answers the API's requests. Its fields do not change after newServer,
// so any number of goroutines may call handle.
type server struct {
	host     host
	log      *zap.Logger
	limits   *limit.Limiter
	keys     *keys.Ring
	cors     cors
	router   *upstream.Router // nil without upstreams
	cache    *cache.Cache     // nil when it is off
	echo     config.Echo
	models   []Model // the built-in ones
	byModel  map[string]Provider
	maxBody  int
	warnFull limiter

	heartbeat    time.Duration // 0 is none
	warnUpstream limiter

	newID func() string // ids of completions
	now   func() time.Time
}

// newServer returns a server for the settings; timeout is the server's own. It
// connects to nobody yet. The error is one of the settings.
func newServer(s config.API, timeout time.Duration, log *zap.Logger, h host) (*server, error) {
	ring, err := ringOf(s.Keys)
	if err != nil {
		return nil, err
	}
	srv := &server{
		host: h,
		log:  log,
		limits: limit.New(limit.Options{
			API: s.MaxConcurrentRequests, LLM: s.LLMConcurrentLimit, Queue: s.QueueSize, Patience: s.QueueTimeout,
			Place: h.place, Cluster: h.cluster,
		}),
		keys:      ring,
		cors:      newCORS(s.CORS),
		echo:      s.Echo,
		byModel:   make(map[string]Provider),
		maxBody:   maxBody,
		heartbeat: s.Heartbeat,
		newID:     func() string { return "chatcmpl-" + strings.ToLower(rand.Text()) },
		now:       time.Now,
	}
	if s.MaxBodySize > 0 {
		srv.maxBody = int(s.MaxBodySize)
	}
	if servesEcho(s) {
		srv.add(echo{})
	}
	if len(s.OpenAI.All()) > 0 {
		c := routerConfig(s.OpenAI, timeout)
		c.Meter = h.meter
		if srv.router, err = upstream.New(c, log); err != nil {
			return nil, fmt.Errorf("cannot use providers.openai: %w", err)
		}
	}
	if srv.cache, err = newCache(s, timeout, log); err != nil {
		return nil, err
	}
	return srv, nil
}

// close ends what the server does by itself, and its connections. Requests that
// are under way are not waited for.
func (s *server) close() {
	if s.router != nil {
		s.router.Close()
	}
	if s.cache != nil {
		s.cache.Close()
	}
}

// add makes a provider's models known; the first one is the default model.
func (s *server) add(p Provider) {
	for _, m := range p.Models() {
		s.models = append(s.models, m)
		s.byModel[m.ID] = p
	}
}

const modelPrefix = "/v1/models/"

// modelEndpoints are the paths of requests to a model.
var modelEndpoints = map[string]*endpoint{
	"/v1/chat/completions": &chatEndpoint,
	"/v1/completions":      &completionsEndpoint,
	"/v1/embeddings":       &embeddingsEndpoint,
	"/v1/responses":        &responsesEndpoint,
}

// handle is the fasthttp.RequestHandler of the API.
func (s *server) handle(ctx *fasthttp.RequestCtx) {
	if s.cors.handle(ctx) {
		return
	}
	path := ctx.Path()
	if at := modelEndpoints[string(path)]; at != nil {
		if allow(ctx, fasthttp.MethodPost) {
			s.ask(ctx, at)
		}
		return
	}
	switch string(path) {
	case "/health":
		if allow(ctx, readMethods) {
			s.health(ctx)
		}
	case "/v1/models":
		if allow(ctx, readMethods) {
			s.listModels(ctx)
		}
	case "/ready":
		if allow(ctx, readMethods) {
			s.ready(ctx)
		}
	case "/":
		if allow(ctx, readMethods) {
			s.index(ctx)
		}
	default:
		id, ok := strings.CutPrefix(string(path), modelPrefix)
		if !ok || id == "" {
			writeError(ctx, errUnknownURL(string(ctx.Method()), string(path)))
			return
		}
		if allow(ctx, readMethods) {
			s.oneModel(ctx, id)
		}
	}
}

// readMethods is the Allow header of what can only be read.
const readMethods = "GET, HEAD"

// allow answers 405 and returns false unless the request's method is in the
// Allow header value methods.
func allow(ctx *fasthttp.RequestCtx, methods string) bool {
	if methods == readMethods {
		if ctx.IsGet() || ctx.IsHead() {
			return true
		}
	} else if string(ctx.Method()) == methods {
		return true
	}
	writeError(ctx, errMethod(string(ctx.Method()), string(ctx.Path())))
	ctx.Response.Header.Set(fasthttp.HeaderAllow, methods)
	return false
}
