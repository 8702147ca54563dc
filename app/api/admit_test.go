package api

import (
	"context"
	"crypto/rand"
	"errors"
	randv2 "math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/webchasor/webchasor/app/api/limit"
	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/permits"
)

func oneAtATime(queue int, patience time.Duration) config.API {
	return config.API{MaxConcurrentRequests: 1, LLMConcurrentLimit: 1, QueueSize: queue, QueueTimeout: patience}
}

func wantFull(t *testing.T, resp *fasthttp.Response) {
	t.Helper()
	if resp.StatusCode() != 503 || string(resp.Header.Peek("Retry-After")) != "1" {
		t.Errorf("status %d, Retry-After %q, want 503 and 1", resp.StatusCode(), resp.Header.Peek("Retry-After"))
	}
	if e := envelope(t, resp.Body()); e.Code != "server_is_overloaded" {
		t.Errorf("code %q", e.Code)
	}
}

func TestFullServerRefuses(t *testing.T) {
	s := newTestServer(oneAtATime(0, time.Minute), newFakeHost(t))
	p := s.limits.Try(limit.Want{LLM: true})
	wantFull(t, chat(s, hello))
	wantFull(t, chat(s, `not even JSON`)) // refused before it is read
	wantFull(t, call(s, "GET", "/v1/models", ""))
	wantFull(t, call(s, "GET", "/v1/models/echo", ""))
	for _, uri := range []string{"/", "/health", "/ready"} {
		if got := call(s, "GET", uri, "").StatusCode(); got != 200 {
			t.Errorf("GET %s = %d on a full server, want 200", uri, got)
		}
	}
	p.Release()
	if got := chat(s, hello).StatusCode(); got != 200 {
		t.Errorf("status %d after the permit is back, want 200", got)
	}
	wantIdle(t, s)
}

// A name that nobody serves takes no place among the limits, and a request that
// names none has the limit of the model that answers it.
func TestLimitIsOfTheModelThatAnswers(t *testing.T) {
	t.Parallel()
	place := permits.Private(permits.Limits{API: 10, LLM: 10, PerModel: 1})
	f := newFakeHost(t)
	h := f.host()
	h.place = place
	s, err := newServer(config.API{}, 0, zap.NewNop(), h)
	if err != nil {
		t.Fatal(err)
	}
	for range 600 { // more than there are places
		if got := chat(s, `{"model":"`+rand.Text()+`","messages":[{"role":"user","content":"x"}]}`).StatusCode(); got != 404 {
			t.Fatalf("status %d for an invented model", got)
		}
	}
	if p := s.limits.Try(limit.Want{LLM: true, Model: "real"}); p == nil || s.limits.Try(limit.Want{LLM: true, Model: "real"}) != nil {
		t.Error("no limit of its own for a model after many invented ones")
	}
	p := s.limits.Try(limit.Want{LLM: true, Model: "echo"})
	wantFull(t, chat(s, `{"messages":[{"role":"user","content":"x"}]}`))
	p.Release()
}

func TestQueueTimeoutRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(oneAtATime(5, 2*time.Second), newFakeHost(t))
		p := s.limits.Try(limit.Want{LLM: true})
		begin := time.Now()
		wantFull(t, chat(s, hello))
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("refused after %v, want 2s", took)
		}
		p.Release()
		wantIdle(t, s)
	})
}

func TestQueuedRequestIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeHost(t)
		s := newTestServer(oneAtATime(5, time.Hour), f)
		p := s.limits.Try(limit.Want{LLM: true})
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if got := chat(s, hello).StatusCode(); got != 200 {
				t.Errorf("status %d, want 200", got)
			}
		})
		<-time.After(950 * time.Millisecond)
		p.Release()
		waiting.Wait()
		if f.progress != 10 {
			t.Errorf("progress was reported %d times, want 10: each 100 ms of the wait, and when the permit was granted", f.progress)
		}
		wantIdle(t, s)
	})
}

// A request whose context ends while it waits gets the matching answer.
func TestQueuedRequestEnds(t *testing.T) {
	tests := []struct {
		cause  error
		status int
		code   string
	}{
		{errTestTimeout, 503, "request_timeout"},
		{errTestDrain, 503, "server_draining"},
		{errTestGone, 499, ""},
	}
	for _, tt := range tests {
		t.Run(tt.cause.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeHost(t)
				s := newTestServer(oneAtATime(5, time.Hour), f)
				p := s.limits.Try(limit.Want{LLM: true})
				var waiting sync.WaitGroup
				waiting.Go(func() { wantEnd(t, chat(s, hello), tt.status, tt.code) })
				synctest.Wait()
				f.end(tt.cause)
				waiting.Wait()
				p.Release()
				wantIdle(t, s)
			})
		})
	}
}

func wantEnd(t *testing.T, resp *fasthttp.Response, status int, code string) {
	t.Helper()
	if resp.StatusCode() != status {
		t.Errorf("status %d, want %d", resp.StatusCode(), status)
	}
	if code == "" {
		if len(resp.Body()) > 0 {
			t.Errorf("a client that is gone got %q", resp.Body())
		}
		return
	}
	if e := envelope(t, resp.Body()); e.Code != code {
		t.Errorf("code %q, want %q", e.Code, code)
	}
	if len(resp.Header.Peek("Retry-After")) == 0 {
		t.Error("no Retry-After")
	}
}

func TestFullServerWarnsOnceASecond(t *testing.T) {
	s := newTestServer(oneAtATime(0, 0), newFakeHost(t))
	core, logs := observer.New(zapcore.WarnLevel)
	s.log = zap.New(core)
	p := s.limits.Try(limit.Want{})
	defer p.Release()
	now := after
	s.now = func() time.Time { return now }
	for range 10 {
		chat(s, hello)
	}
	now = now.Add(time.Second)
	chat(s, hello)
	if got := logs.Len(); got != 2 {
		t.Fatalf("%d lines, want 2", got)
	}
	if got := logs.All()[1].ContextMap()["refused_since_last_line"]; got != uint64(10) {
		t.Errorf("the second line counts %v refused requests, want 10", got)
	}
}

// Random requests that end in random ways leave no permit behind.
func TestServerPropertyPermitsComeBack(t *testing.T) {
	bodies := []string{
		hello, helloStream, `{`, `{"model":"no","messages":[{"role":"user","content":"x"}]}`,
		`{"messages":[{"role":"user","content":"a b c d e"}],"webchasor":{"token_delay":"7ms","first_token_delay":"5ms"}}`,
		`{"stream":true,"messages":[{"role":"user","content":"a b c d e"}],"webchasor":{"token_delay":"7ms","first_token_delay":"5ms"}}`,
	}
	causes := []error{errTestGone, errTestTimeout, errTestDrain}
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			r := randv2.New(randv2.NewPCG(seed, 11))
			limits := config.API{MaxConcurrentRequests: 4, LLMConcurrentLimit: 2, QueueSize: 20, QueueTimeout: 30 * time.Millisecond}
			s := newTestServer(limits, newFakeHost(t))
			h := s.host
			var contexts sync.Map // *fasthttp.RequestCtx to context.Context
			h.requestContext = func(ctx *fasthttp.RequestCtx) context.Context {
				alive, _ := contexts.Load(ctx)
				c, _ := alive.(context.Context)
				return c
			}
			var streams, crowd sync.WaitGroup
			h.stream = func(ctx *fasthttp.RequestCtx, fn func(context.Context, Writer) error) {
				alive := h.requestContext(ctx)
				streams.Go(func() { // its result is a broken connection or not; either is fine here
					if err := fn(alive, &capture{}); err != nil && alive.Err() == nil {
						t.Errorf("a stream failed by itself: %v", err)
					}
				})
			}
			h.progress = func(*fasthttp.RequestCtx) {}
			s.host = h
			statuses := make(chan int, 400)
			for range 400 {
				body := bodies[r.IntN(len(bodies))]
				arrive := time.Duration(r.IntN(300)) * time.Millisecond
				abort := time.Duration(r.IntN(60)) * time.Millisecond
				cause := causes[r.IntN(len(causes))]
				crowd.Go(func() {
					<-time.After(arrive)
					alive, end := context.WithCancelCause(t.Context())
					stop := time.AfterFunc(abort, func() { end(cause) })
					defer stop.Stop()
					var req fasthttp.Request
					req.Header.SetMethod("POST")
					req.SetRequestURI("/v1/chat/completions")
					req.SetBodyString(body)
					var ctx fasthttp.RequestCtx
					ctx.Init(&req, nil, nil)
					contexts.Store(&ctx, alive)
					s.handle(&ctx)
					statuses <- ctx.Response.StatusCode()
				})
			}
			crowd.Wait()
			streams.Wait()
			wantIdle(t, s)
			close(statuses)
			seen := map[int]int{}
			for code := range statuses {
				seen[code]++
			}
			for _, want := range []int{200, 400, 499, 503} {
				if seen[want] == 0 {
					t.Errorf("seed %d never saw status %d: %v", seed, want, seen)
				}
			}
		})
	}
}

var errProviderBroke = errors.New("upstream: connection reset")

// A provider that panics keeps no permit; the panic itself is the worker's to handle.
func TestPanicReleasesPermit(t *testing.T) {
	for _, body := range []string{hello, helloStream} {
		s := newTestServer(testLimits, newFakeHost(t))
		s.byModel["echo"] = fakeProvider{panics: true}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			chat(s, body)
		}()
		wantIdle(t, s)
	}
}
