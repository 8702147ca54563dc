package api

import (
	"testing"
	"time"

	"github.com/valyala/fasthttp"
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
