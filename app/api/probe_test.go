package api

import (
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/permits"
)

// TestHealthAllocatesNothing: probes and load balancers ask all the time. One
// allocation is forgiven, because the race detector makes pools forget.
func TestHealthAllocatesNothing(t *testing.T) {
	s := newTestServer(testLimits, newFakeHost(t))
	var req fasthttp.Request
	req.SetRequestURI("/health")
	var ctx fasthttp.RequestCtx
	ctx.Init(&req, nil, nil)
	if got := testing.AllocsPerRun(100, func() {
		ctx.Response.Reset()
		s.handle(&ctx)
	}); got > 1 {
		t.Errorf("GET /health allocates %v times", got)
	}
}

func BenchmarkHealth(b *testing.B) {
	s := &server{host: (&fakeHost{}).host(), now: func() time.Time { return after }}
	var req fasthttp.Request
	req.SetRequestURI("/health")
	var ctx fasthttp.RequestCtx
	ctx.Init(&req, nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		s.handle(&ctx)
	}
}

// TestProbesTellTheNews: what the master says of the whole service.
func TestProbesTellTheNews(t *testing.T) {
	f := newFakeHost(t)
	s := newTestServer(testLimits, f)
	f.told, f.news = true, permits.News{Ready: 3, Wanted: 4}
	if got := string(call(s, "GET", "/health", "").Body()); !strings.HasPrefix(got, `{"status":"ok",`) ||
		!strings.HasSuffix(got, `,"workers_ready":3,"workers":4}`) {
		t.Errorf("health: %s", got)
	}
	if got := call(s, "GET", "/ready", "").StatusCode(); got != 200 {
		t.Errorf("ready: %d", got)
	}
	f.news.Leaving = true
	if got := call(s, "GET", "/health", ""); got.StatusCode() != 200 || !strings.HasPrefix(string(got.Body()), `{"status":"draining",`) {
		t.Errorf("health of a service that leaves: %d %s", got.StatusCode(), got.Body())
	}
	if got := call(s, "GET", "/ready", "").StatusCode(); got != 503 {
		t.Errorf("ready of a service that leaves: %d", got)
	}
	if got := call(s, "GET", "/v1/models", "").StatusCode(); got != 200 {
		t.Errorf("a service that leaves still serves: %d", got)
	}
}
