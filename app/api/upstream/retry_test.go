package upstream

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
)

// failFirst answers the first n requests with bad, and later ones well.
func failFirst(n int, bad upstreamtest.Answer) upstreamtest.Script {
	return func(r upstreamtest.Request) upstreamtest.Answer {
		if r.N <= n {
			return bad
		}
		return upstreamtest.Answer{}
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		bad      upstreamtest.Answer
		attempts int // that the upstream sees, of at most 3
		status   int // what the client gets; 0 is an error
	}{
		"429":              {upstreamtest.Answer{Status: 429}, 3, 200},
		"500":              {upstreamtest.Answer{Status: 500}, 3, 200},
		"503":              {upstreamtest.Answer{Status: 503}, 3, 200},
		"408":              {upstreamtest.Answer{Status: 408}, 3, 200},
		"broken":           {upstreamtest.Answer{BreakAfter: -1}, 3, 200},
		"400":              {upstreamtest.Answer{Status: 400}, 1, 400},
		"404":              {upstreamtest.Answer{Status: 404}, 1, 404},
		"501":              {upstreamtest.Answer{Status: 501}, 1, 501},
		"401":              {upstreamtest.Answer{Status: 401}, 1, 0},
		"302":              {upstreamtest.Answer{Status: 302}, 1, 0},
		"told not to":      {upstreamtest.Answer{Status: 503, Header: http.Header{"X-Should-Retry": {"false"}}}, 1, 503},
		"told to":          {upstreamtest.Answer{Status: 400, Header: http.Header{"X-Should-Retry": {"true"}}}, 3, 200},
		"quota":            {upstreamtest.Answer{Status: 429, Body: `{"error":{"code":"insufficient_quota"}}`}, 1, 429},
		"too long a wait":  {upstreamtest.Answer{Status: 429, RetryAfter: "3600"}, 1, 429},
		"a short wait":     {upstreamtest.Answer{Status: 429, Header: http.Header{"Retry-After-Ms": {"20"}}}, 3, 200},
		"a senseless wait": {upstreamtest.Answer{Status: 429, RetryAfter: "soon"}, 3, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := startUpstream(t)
			up.Script(failFirst(2, tt.bad))
			c := quick(Upstream{BaseURL: up.URL()})
			c.Retries = 2
			reply, err := newRouter(t, c).Do(t.Context(), chat(question))
			if err == nil {
				reply.Body.Close()
			}
			switch {
			case tt.status == 0 && err == nil:
				t.Errorf("status %d, want an error", reply.Status)
			case tt.status != 0 && (err != nil || reply.Status != tt.status || reply.Attempts != tt.attempts):
				t.Errorf("the reply is %+v, %v, want status %d at attempt %d", reply, err, tt.status, tt.attempts)
			}
			// net/http itself tries a kept connection that breaks once more.
			if got := len(up.Requests()); got != tt.attempts && tt.bad.BreakAfter == 0 {
				t.Errorf("%d attempts, want %d", got, tt.attempts)
			}
		})
	}
}

// All waits of a call together stay within RetryWait.
func TestRetryWait(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	up.Answer(upstreamtest.Answer{Status: 503, Header: http.Header{"Retry-After-Ms": {"40"}}})
	c := quick(Upstream{BaseURL: up.URL()})
	c.Retries, c.RetryWait = 10, 100*time.Millisecond
	r := newRouter(t, c)
	clock := time.Now()
	r.now = func() time.Time { return clock } // a slow machine must not count as having waited
	if reply, _ := ask(t, r, chat(question)); reply.Attempts != 3 || len(up.Requests()) != 3 {
		t.Errorf("%d attempts, want 3: there is time for two waits", len(up.Requests()))
	}
}

// When attempts are used up the client gets the upstream's own words.
func TestLastWords(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	up.Answer(upstreamtest.Answer{Status: 503, Header: http.Header{"Retry-After-Ms": {"7"}}})
	c := quick(Upstream{BaseURL: up.URL()})
	c.Retries = 1
	r := newRouter(t, c)
	reply, text := ask(t, r, chat(question))
	if reply.Status != 503 || !strings.Contains(text, "scripted 503") || reply.Header.Get("Retry-After-Ms") != "7" || reply.Attempts != 2 {
		t.Errorf("the reply is %+v: %s", reply, text)
	}
	if s := r.Status()[0]; s.Requests != 2 || s.Retries != 1 || s.Failures != 2 || s.Limited != 2 || s.Active != 0 {
		t.Errorf("the status is %+v", s)
	}
	up.Answer(upstreamtest.Answer{Status: 502, Body: "<html>Bad Gateway", Header: http.Header{"Content-Type": {"text/html"}}})
	if e := wantError(t, r, chat(question), CodeBadResponse); e.Status != 502 {
		t.Errorf("a page became %+v", e)
	}
	up.Answer(upstreamtest.Answer{Status: 429, Body: "slow down", RetryAfter: "3600"})
	if e := wantError(t, r, chat(question), CodeBadResponse); e.Status != 429 || e.RetryAfter != time.Hour {
		t.Errorf("a text became %+v", e)
	}
}

// Once bytes of an answer are there nothing is repeated.
func TestNoRetryAfterFirstByte(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	up.Answer(upstreamtest.Answer{BreakAfter: 1})
	c := quick(Upstream{BaseURL: up.URL()})
	c.Retries = 5
	r := newRouter(t, c)
	_ = wantError(t, r, stream(), CodeBroken)
	_ = wantError(t, r, chat(question), CodeBroken)
	if got := len(up.Requests()); got != 2 {
		t.Errorf("%d attempts for two calls", got)
	}
}

// A failing upstream gets at most a fifth more requests by repetition, after the free ones.
func TestAllowance(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	up.Answer(upstreamtest.Answer{Status: 503})
	c := quick(Upstream{BaseURL: up.URL()})
	c.Retries = 3
	r := newRouter(t, c)
	const calls = 100
	for range calls {
		ask(t, r, chat(question))
	}
	if got := len(up.Requests()); got < calls+freeRetries || got > calls+freeRetries+calls/perRetry+1 {
		t.Errorf("%d attempts for %d calls", got, calls)
	}
}

func TestRetryAfterHeader(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "2": 2 * time.Second, "1.5": 1500 * time.Millisecond, "-3": 0, "NaN": 0, "soon": 0,
		"1e300": 24 * time.Hour, "Inf": 24 * time.Hour,
		"Thu, 01 Jan 2026 00:00:30 GMT": 30 * time.Second, "Wed, 31 Dec 2025 00:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("Retry-After %q is %v, want %v", text, got, want)
		}
	}
	if got := retryAfter(http.Header{"Retry-After": {"9"}, "Retry-After-Ms": {"250"}}, now); got != 250*time.Millisecond {
		t.Errorf("the finer header says %v", got)
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	c := Config{BackoffBase: 100 * time.Millisecond, BackoffMax: time.Second}
	for n, most := range map[int]time.Duration{0: 100 * time.Millisecond, 1: 200 * time.Millisecond, 3: 800 * time.Millisecond, 4: time.Second, math.MaxInt: time.Second} {
		longest := time.Duration(0)
		for range 200 {
			d := c.backoff(n)
			if d <= 0 || d > most {
				t.Fatalf("backoff %d is %v, want at most %v", n, d, most)
			}
			longest = max(longest, d)
		}
		if longest < most/2 { // the chance is 2^-200
			t.Errorf("backoff %d never went beyond %v", n, longest)
		}
	}
}
