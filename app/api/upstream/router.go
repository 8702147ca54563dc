package upstream

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Router finds upstreams for models and asks them. Any number of goroutines may
// use it.
type Router struct {
	config    Config
	log       *zap.Logger
	endpoints []*endpoint
	catalog   catalog
	now       func() time.Time

	background sync.WaitGroup // work that no call waits for
	quit       context.CancelFunc
	alive      context.Context // until Close
}

// New checks the configuration and returns a router. It connects to nobody yet.
// Of a client's headers an upstream gets Accept, User-Agent, Idempotency-Key,
// OpenAI-Beta, X-Stainless-*, X-Request-Id, X-Client-Request-Id, Traceparent and Tracestate,
// and what Upstream.Forward names; never its Authorization.
func New(config Config, log *zap.Logger) (*Router, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Router{config: config, log: log, now: time.Now}
	for _, u := range config.Upstreams {
		meter := Meter(unwatched{})
		if config.Meter != nil {
			meter = config.Meter(u.Name)
		}
		e, err := newEndpoint(u, config.Ejection, meter, log)
		if err != nil {
			return nil, fmt.Errorf("upstream %s: %w", u.Name, err)
		}
		r.endpoints = append(r.endpoints, e)
	}
	r.alive, r.quit = context.WithCancel(context.Background())
	return r, nil
}

// Close ends what the router does by itself, waits for that, and closes
// connections that nobody uses. Calls that are under way go on.
func (r *Router) Close() {
	r.quit()
	r.background.Wait()
	for _, e := range r.endpoints {
		e.transport.CloseIdleConnections()
	}
}

// Serves says whether there is an upstream for a model.
func (r *Router) Serves(model string) bool { return len(r.route(model)) > 0 }

// Do sends a call to an upstream for its model and returns the answer as soon as
// its headers are there. See the package comment for retries and for errors.
func (r *Router) Do(ctx context.Context, call Call) (*Reply, error) {
	targets := r.route(call.Model)
	if len(targets) == 0 {
		return nil, errModel(call.Model)
	}
	candidates := make([]*candidate, len(targets))
	for i, t := range targets {
		candidates[i] = &candidate{target: t}
	}
	var last outcome
	left := r.config.RetryWait
	for n := 0; n <= r.config.Retries; n++ {
		next, ok := r.choose(candidates, patience(ctx, left))
		if !ok {
			break
		}
		if err := pause(ctx, next.wait, call.alive); err != nil {
			next.at.health.report(abandoned, next.pass, r.now())
			return nil, err
		}
		left -= next.wait
		if n > 0 {
			next.at.retries.Add(1)
			next.at.meter.Retried()
		}
		call.alive()
		begin := r.now()
		now := r.attempt(ctx, next.at.target, call, next.pass)
		if good := now.reply != nil && now.reply.Status < http.StatusBadRequest; call.Heard != nil && (good || now.crowded) {
			call.Heard(now.crowded, r.now().Sub(begin))
		}
		if now.reply != nil {
			next.at.meter.Answered(r.now().Sub(begin))
			now.reply.Attempts = n + 1
		}
		if ctx.Err() != nil && now.reply == nil {
			return nil, context.Cause(ctx)
		}
		last = better(last, now)
		if now.again == never {
			break
		}
		next.at.tries++
		next.at.barred = now.again == elsewhere
		next.at.ready = r.now().Add(now.after)
	}
	if last.reply != nil {
		return last.reply, nil
	}
	return nil, last.err
}

// better keeps what tells the client more: an upstream's own words say what to do
// and when, a connection that failed elsewhere afterwards does not.
func better(before, now outcome) outcome {
	if now.reply == nil && before.reply != nil {
		return before
	}
	return now
}

// patience is how long a call may still wait between attempts.
func patience(ctx context.Context, left time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(deadline))
	}
	return left
}

// Models lists the models that are configured by their full name, sorted.
func (r *Router) Models() []string {
	var all []string
	for _, e := range r.endpoints {
		for _, rule := range e.rules {
			if !rule.match.star {
				all = append(all, rule.match.text)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Hopeful says whether any upstream is not ejected, or about to be tried.
func (r *Router) Hopeful() bool {
	now := r.now()
	return slices.ContainsFunc(r.endpoints, func(e *endpoint) bool { return e.health.hopeful(now) })
}

// Status is what is known about one upstream.
type Status struct {
	Name      string
	State     string        // healthy, ejected or probing
	Ejected   time.Duration // how long it stays ejected
	Ejections uint64        // ever
	Active    int64         // requests under way, to the last byte of their answer
	Requests  uint64        // attempts, repeated ones too
	Failures  uint64        // of them: no connection, broken, too slow, 5xx, refused key
	Limited   uint64        // of them: 429 and 503
	Retries   uint64        // of them: a second or later attempt of a call
}

// Status describes every upstream, in the order of the configuration.
func (r *Router) Status() []Status {
	all := make([]Status, len(r.endpoints))
	for i, e := range r.endpoints {
		s := Status{
			Name: e.Name, Active: e.active.Load(), Failures: e.failures.Load(), Limited: e.limited.Load(), Retries: e.retries.Load(),
		}
		s.Requests = e.requests.Load() // after its parts, so that they never exceed it
		s.State, s.Ejected, s.Ejections = e.health.status(r.now())
		all[i] = s
	}
	return all
}
