package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/redis/redistest"
	"github.com/webchasor/webchasor/internal/testproc"
)

// TestClusterLimitHoldsThroughKills: two masters, one limit. The upstream never sees
// more than it says, also when the workers that hold every lease are killed: others
// get those when they have run out.
func TestClusterLimitHoldsThroughKills(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL
	const limit = 4
	c := newCounter(t) // holds every answer
	host := func() (*testproc.Process, string) {
		p := startWith(t, testproc.Options{App: appAPI, Env: []string{
			"WEB_WORKERS=2", "LIMIT_SCOPE=cluster", "REDIS_URL=" + url, "REDIS_TIMEOUT=" + patientRedis, "LLM_CONCURRENT_LIMIT=4", "QUEUE_SIZE=1000",
			"QUEUE_TIMEOUT=60", "OPENAI_BASE_URL=" + c.server.URL, "OPENAI_RETRIES=0", "WORKER_TIMEOUT=0",
		}})
		return p, p.Up()
	}
	first, firstAddr := host()
	second, secondAddr := host()
	workers := first.WaitWorkers(2)
	second.WaitWorkers(2)
	arrived := func(n int, what string) {
		t.Helper()
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
			_, _, arrived := c.counts()
			return arrived == n
		}, what)
	}
	stopFirst := crowd(firstAddr, 20)
	arrived(limit, "the first host has every permit")
	stopSecond := crowd(secondAddr, 20)
	for _, pid := range workers {
		first.SignalPID(pid, syscall.SIGKILL)
	}
	arrived(2*limit, "what the dead held is used again")

	c.answer.Store(int64(5 * time.Millisecond))
	c.letGo()
	c.more(t, 200)
	a, _ := stopFirst()
	b, _ := stopSecond()
	if a == 0 || b == 0 {
		t.Errorf("the hosts answered %d and %d requests, want both to have their share", a, b)
	}
	if most, _, _ := c.counts(); most != limit {
		t.Errorf("the upstream had up to %d requests at a time, want exactly %d", most, limit)
	}
	first.Stop(0)
	second.Stop(0)
}
