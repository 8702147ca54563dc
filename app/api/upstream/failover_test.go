package upstream

import (
	"testing"
	"time"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
)

// pair is a preferred upstream and its stand-in.
func pair(t *testing.T) (first, second *upstreamtest.Server, c Config) {
	t.Helper()
	first, second = startUpstream(t), startUpstream(t)
	c = quick(Upstream{Name: "first", BaseURL: first.URL()}, Upstream{Name: "second", BaseURL: second.URL(), Priority: 1})
	c.Retries = 2
	return first, second, c
}

func TestFailover(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]upstreamtest.Answer{
		"503":        {Status: 503},
		"429":        {Status: 429, RetryAfter: "3600"},
		"401":        {Status: 401},
		"quota":      {Status: 429, Body: `{"error":{"code":"insufficient_quota"}}`},
		"broken":     {BreakAfter: -1},
		"a page":     {Status: 502, Body: "<html>"},
		"redirected": {Status: 307},
		"silent":     {StallAfter: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second, c := pair(t)
			c.Upstreams[0].Timeouts.FirstByte = 100 * time.Millisecond
			first.Answer(bad)
			reply, _ := ask(t, newRouter(t, c), chat(question))
			if reply.Status != 200 || reply.Upstream != "second" || len(second.Requests()) != 1 {
				t.Errorf("answered by %s with %d", reply.Upstream, reply.Status)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		_, _, c := pair(t)
		c.Upstreams[0].BaseURL = nobody(t)
		if reply, _ := ask(t, newRouter(t, c), chat(question)); reply.Upstream != "second" || reply.Attempts != 2 {
			t.Errorf("the reply is %+v", reply)
		}
	})
}

// Who said Retry-After is left alone while there is another, and asked all the
// same when there is none.
func TestCooling(t *testing.T) {
	t.Parallel()
	first, second, c := pair(t)
	r := newRouter(t, c)
	first.Answer(upstreamtest.Answer{Status: 429, RetryAfter: "3600"})
	for range 5 {
		ask(t, r, chat(question))
	}
	if a, b := len(first.Requests()), len(second.Requests()); a != 1 || b != 5 {
		t.Errorf("%d requests to the first and %d to the second, want 1 and 5", a, b)
	}
	second.Answer(upstreamtest.Answer{Status: 503})
	first.Answer(upstreamtest.Answer{})
	if reply, _ := ask(t, r, chat(question)); reply.Upstream != "first" || reply.Status != 200 {
		t.Errorf("answered by %s with %d", reply.Upstream, reply.Status)
	}
}

// What one upstream said is worth more than that another cannot be reached.
func TestWordsBeatSilence(t *testing.T) {
	t.Parallel()
	first, _, c := pair(t)
	c.Upstreams[1].BaseURL = nobody(t)
	first.Answer(upstreamtest.Answer{Status: 429, RetryAfter: "3600"})
	if reply, _ := ask(t, newRouter(t, c), chat(question)); reply.Status != 429 || reply.Header.Get("Retry-After") != "3600" {
		t.Errorf("the reply is %+v", reply)
	}
}

func TestEjection(t *testing.T) {
	t.Parallel()
	first, second, c := pair(t)
	c.Ejection = Ejection{Failures: 3, Time: time.Minute}
	r := newRouter(t, c)
	clock := time.Now()
	r.now = func() time.Time { return clock }
	first.Answer(upstreamtest.Answer{Status: 500})
	for range 10 {
		if reply, _ := ask(t, r, chat(question)); reply.Status != 200 {
			t.Fatalf("status %d", reply.Status)
		}
	}
	if got := len(first.Requests()); got != 3 {
		t.Errorf("the failing upstream got %d requests, want 3", got)
	}
	if s := r.Status()[0]; s.State != "ejected" || s.Ejected != time.Minute || s.Ejections != 1 || s.Failures != 3 {
		t.Errorf("the status is %+v", s)
	}
	// The probe fails: twice as long.
	clock = clock.Add(time.Minute)
	ask(t, r, chat(question))
	ask(t, r, chat(question))
	if got := len(first.Requests()); got != 4 {
		t.Errorf("%d requests after the probe, want 4", got)
	}
	if s := r.Status()[0]; s.Ejected != 2*time.Minute || s.Ejections != 2 {
		t.Errorf("the status is %+v", s)
	}
	// The next one does not.
	clock = clock.Add(2 * time.Minute)
	first.Answer(upstreamtest.Answer{})
	ask(t, r, chat(question))
	if reply, _ := ask(t, r, chat(question)); reply.Upstream != "first" || r.Status()[0].State != "healthy" {
		t.Errorf("answered by %s while the first one is %+v", reply.Upstream, r.Status()[0])
	}
	if got := len(second.Requests()); got != 12 {
		t.Errorf("the second got %d requests, want 12", got)
	}
}

// With every upstream ejected they are used as if none were.
func TestFailOpen(t *testing.T) {
	t.Parallel()
	first, second, c := pair(t)
	c.Retries = 1
	c.Ejection = Ejection{Failures: 1, Time: time.Hour}
	r := newRouter(t, c)
	first.Answer(upstreamtest.Answer{Status: 500})
	second.Answer(upstreamtest.Answer{Status: 500})
	ask(t, r, chat(question))
	for _, s := range r.Status() {
		if s.State != "ejected" {
			t.Fatalf("the status is %+v", s)
		}
	}
	first.Answer(upstreamtest.Answer{})
	if reply, _ := ask(t, r, chat(question)); reply.Status != 200 || reply.Upstream != "first" {
		t.Errorf("the reply is %+v", reply)
	}
	if s := r.Status()[0]; s.State != "healthy" {
		t.Errorf("it answered, and is %s", s.State)
	}
}

// A stream that breaks counts against its upstream, a client that leaves does not.
func TestBrokenStreamsEject(t *testing.T) {
	t.Parallel()
	first, _, c := pair(t)
	c.Ejection = Ejection{Failures: 3, Time: time.Hour}
	r := newRouter(t, c)
	for range 5 {
		reply, err := r.Do(t.Context(), stream())
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
	}
	if s := r.Status()[0]; s.State != "healthy" || s.Failures != 0 {
		t.Errorf("after clients that left: %+v", s)
	}
	first.Answer(upstreamtest.Answer{BreakAfter: 1})
	for range 3 {
		_ = wantError(t, r, stream(), CodeBroken)
	}
	if s := r.Status()[0]; s.State != "ejected" {
		t.Errorf("after streams that broke: %+v", s)
	}
}
