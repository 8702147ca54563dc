package api

import (
	"strconv"

	"github.com/valyala/fasthttp"
)

// health says that this process answers. It is 200 while draining too: a
// liveness probe must not kill a worker that finishes its streams.
func (s *server) health(ctx *fasthttp.RequestCtx) {
	status := "ok"
	news, told := s.host.news()
	if s.host.draining() || news.Leaving {
		status = "draining"
	}
	// By hand, because probes and benchmarks call this more than anything else.
	var space [256]byte
	b := append(space[:0], `{"status":"`...)
	b = append(b, status...)
	b = append(b, `","slot":`...)
	b = strconv.AppendInt(b, int64(s.host.self.Slot), 10)
	b = append(b, `,"pid":`...)
	b = strconv.AppendInt(b, int64(s.host.self.PID), 10)
	b = append(b, `,"generation":`...)
	b = strconv.AppendUint(b, s.host.self.Generation, 10)
	b = append(b, `,"version":`...)
	b = appendString(b, s.host.self.Version)
	b = append(b, `,"uptime":`...)
	b = strconv.AppendFloat(b, s.now().Sub(s.host.self.Started).Seconds(), 'f', 3, 64)
	if told {
		b = append(b, `,"workers_ready":`...)
		b = strconv.AppendInt(b, int64(news.Ready), 10)
		b = append(b, `,"workers":`...)
		b = strconv.AppendInt(b, int64(news.Wanted), 10)
	}
	b = append(b, '}')
	ctx.SetContentType("application/json")
	ctx.SetBody(b)
}

// ready says whether new work should be sent here: not to a worker that drains,
// nor to one of a service that is about to stop, nor to one that nobody would answer for.
func (s *server) ready(ctx *fasthttp.RequestCtx) {
	answer := readiness{Status: "ready"}
	if s.router != nil {
		for _, u := range s.router.Status() {
			answer.Upstreams = append(answer.Upstreams, upstreamState{
				Name: u.Name, State: u.State, Back: u.Ejected.Seconds(), Ejections: u.Ejections, Active: u.Active,
				Requests: u.Requests, Failures: u.Failures, Limited: u.Limited, Retries: u.Retries,
			})
		}
	}
	status := fasthttp.StatusOK
	switch news, _ := s.host.news(); {
	case s.host.draining() || news.Leaving:
		answer.Status = "draining"
	case len(s.models) > 0:
	case s.router == nil:
		answer.Status = "no model is served"
	case !s.router.Hopeful():
		answer.Status = "all upstreams are ejected"
	}
	if answer.Status != "ready" {
		status = fasthttp.StatusServiceUnavailable
		ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(retrySoon))
	}
	writeJSON(ctx, status, answer)
}

// readiness is the body of /ready.
type readiness struct {
	Status    string          `json:"status"`
	Upstreams []upstreamState `json:"upstreams,omitempty"`
}

// upstreamState is what this worker knows of an upstream; others may know better.
type upstreamState struct {
	Name      string  `json:"name"`
	State     string  `json:"state"`             // healthy, ejected, probing
	Back      float64 `json:"back_in,omitempty"` // seconds until an ejected one is tried again
	Ejections uint64  `json:"ejections"`
	Active    int64   `json:"active"`
	Requests  uint64  `json:"requests"` // attempts
	Failures  uint64  `json:"failures"`
	Limited   uint64  `json:"limited"` // 429 and 503
	Retries   uint64  `json:"retries"`
}

// index says what this service is.
func (s *server) index(ctx *fasthttp.RequestCtx) {
	type endpoints struct {
		Name      string   `json:"name"`
		Version   string   `json:"version"`
		Endpoints []string `json:"endpoints"`
	}
	writeJSON(ctx, fasthttp.StatusOK, endpoints{
		Name:    "webchasor",
		Version: s.host.self.Version,
		Endpoints: []string{
			"GET /", "GET /health", "GET /ready",
			"GET /v1/models", "GET /v1/models/{id}", "POST /v1/chat/completions",
			"POST /v1/completions", "POST /v1/embeddings", "POST /v1/responses",
		},
	})
}
