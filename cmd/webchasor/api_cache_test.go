package main

import (
	"testing"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/redis/redistest"
	"github.com/webchasor/webchasor/internal/testproc"
)

// patientRedis is for tests of what holds while Redis answers: on a busy machine it may
// need more than the usual quarter of a second, and then the workers go on without it.
const patientRedis = "60s"

// TestCacheFetchesOnceForAllWorkers: equal requests at the same time, at whichever
// worker, are one request to the upstream.
func TestCacheFetchesOnceForAllWorkers(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL
	const clients = 40
	c := newCounter(t) // holds its answer until all have asked
	dir := t.TempDir()
	socket := dir + "/control.sock"
	p := startWith(t, testproc.Options{App: appAPI, Dir: dir, Env: []string{
		"WEB_WORKERS=4", "CACHE_STORE=redis", "REDIS_URL=" + url, "REDIS_TIMEOUT=" + patientRedis, "CONTROL_SOCKET=" + socket,
		"OPENAI_BASE_URL=" + c.server.URL, "OPENAI_RETRIES=0",
	}})
	addr := p.Up()
	p.WaitWorkers(4)
	results := make(chan testproc.Result, clients)
	for range clients {
		go func() {
			client := testproc.Client{Addr: addr, Fresh: true}
			results <- client.Post(chatPath, `{"model":"m","temperature":0,"messages":[{"role":"user","content":"x"}]}`)
		}()
	}
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		s, err := control.New(socket).Status(t.Context())
		if err != nil {
			return false
		}
		under := 0
		for _, w := range s.Workers {
			under += w.InFlight
		}
		_, _, arrived := c.counts()
		return under == clients && arrived > 0
	}, "all requests are under way")
	c.letGo()
	kept := map[string]int{}
	for range clients {
		res := <-results
		expectOK(t, res)
		kept[res.Header.Get("X-Cache")]++
	}
	if _, _, arrived := c.counts(); arrived != 1 {
		t.Errorf("the upstream got %d requests, want 1", arrived)
	}
	if kept["MISS"] != 1 || kept["HIT"] != clients-1 {
		t.Errorf("X-Cache says %v, want one MISS and %d HIT", kept, clients-1)
	}
	p.Stop(0)
}
