package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// bearing is an upstream that refuses what is more than it can bear at a time.
type bearing struct {
	capacity             atomic.Int64
	under, good, refused atomic.Int64
}

func (b *bearing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	if b.under.Add(1) > b.capacity.Load() {
		b.under.Add(-1) // before the answer is on its way
		b.refused.Add(1)
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"error":{"message":"too many","type":"requests","param":null,"code":"rate_limit_exceeded"}}`)
		return
	}
	testproc.Pause(20*time.Millisecond, r.Context().Done())
	b.under.Add(-1)
	b.good.Add(1)
	_, _ = io.WriteString(w, `{"id":"x","object":"chat.completion","choices":[]}`)
}

// TestAdaptiveLimit: the upstream's capacity falls and rises again; the limit of all
// workers follows it both ways, and metrics show it.
func TestAdaptiveLimit(t *testing.T) {
	t.Parallel()
	up := &bearing{}
	server := httptest.NewServer(up)
	t.Cleanup(server.Close)
	p := startWith(t, testproc.Options{App: appAPI, Env: []string{
		"WEB_WORKERS=2", "LIMIT_SCOPE=host", "LLM_CONCURRENT_LIMIT=32", "ADAPTIVE_LIMIT=true", "ADAPTIVE_MIN=2",
		"QUEUE_SIZE=1000", "QUEUE_TIMEOUT=60", "OPENAI_RETRIES=0", "OPENAI_BASE_URL=" + server.URL, "ADMIN_BIND=0", "MAX_REQUESTS=0",
	}})
	admin, addr := adminOf(t, p, 0), p.Up()
	p.WaitWorkers(2)
	limit := func() float64 { return scrape(t, admin)["webchasor_limit_max limit=llm"] }
	if got := limit(); got != 32 {
		t.Errorf("it begins with %v, want the configured 32", got)
	}
	up.capacity.Store(20)
	stop := crowd(addr, 40)
	for _, step := range []struct {
		capacity  int64
		low, high float64
	}{{20, 12, 24}, {4, 2, 6}, {20, 12, 24}} {
		up.capacity.Store(step.capacity)
		testproc.Eventually(t, 2*testproc.Patience, testproc.Every, func() bool {
			got := limit()
			return got >= step.low && got <= step.high
		}, "the limit follows the upstream's capacity")
		good, refused := up.good.Load(), up.refused.Load()
		testproc.Eventually(t, 2*testproc.Patience, testproc.Every, func() bool { return up.good.Load() >= good+300 }, "it goes on")
		rate := float64(up.refused.Load()-refused) / float64(up.refused.Load()-refused+up.good.Load()-good)
		t.Logf("capacity %d: limit %v, %.1f %% refused", step.capacity, limit(), 100*rate)
		if rate > 0.2 {
			t.Errorf("capacity %d: %.0f %% are refused", step.capacity, 100*rate)
		}
	}
	stop()
	p.Stop(0)
}
