package main

import (
	"encoding/json"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// held makes a request that the upstream holds, and returns when it has it.
func held(t *testing.T, c *counter, addr, body string) <-chan testproc.Result {
	t.Helper()
	_, _, before := c.counts()
	done := make(chan testproc.Result, 1)
	go func() { done <- once(addr, body) }()
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		_, _, arrived := c.counts()
		return arrived > before
	}, "the upstream has the request")
	return done
}

// once asks on a connection of its own: the kernel chooses the worker.
func once(addr, body string) testproc.Result {
	client := testproc.Client{Addr: addr, Fresh: true}
	return client.Post(chatPath, body)
}

// refusedWell fails the test unless a client library can act on the answer.
func refusedWell(t *testing.T, res testproc.Result, status int) {
	t.Helper()
	var body struct {
		Error struct{ Message, Type string }
	}
	err := json.Unmarshal([]byte(res.Body), &body)
	if res.Status != status || err != nil || body.Error.Message == "" || body.Error.Type == "" || res.Header.Get("Retry-After") == "" {
		t.Errorf("refused with %v, Retry-After %q: %s", res, res.Header.Get("Retry-After"), res.Body)
	}
}

// TestFullServiceAnswersAtOnce: every permit is held and the queue is full, for as
// long as the upstream likes. Health and refusals do not wait for it.
func TestFullServiceAnswersAtOnce(t *testing.T) {
	t.Parallel()
	c := newCounter(t) // holds every answer until all else was answered
	p := startWith(t, testproc.Options{App: appAPI, Env: []string{
		"WEB_WORKERS=2", "LIMIT_SCOPE=host", "LLM_CONCURRENT_LIMIT=2", "QUEUE_SIZE=1", "QUEUE_TIMEOUT=60",
		"OPENAI_BASE_URL=" + c.server.URL, "OPENAI_RETRIES=0", "WORKER_TIMEOUT=0",
	}})
	addr := p.Up()
	p.WaitWorkers(2)
	holders := []<-chan testproc.Result{held(t, c, addr, chatBody), held(t, c, addr, chatBody)}
	// Of two more, one waits and one is refused.
	more := make(chan testproc.Result, 2)
	for range 2 {
		go func() { more <- once(addr, chatBody) }()
	}
	refusedWell(t, <-more, 503)
	for range 8 {
		client := testproc.Client{Addr: addr, Fresh: true}
		expectOK(t, client.Get("/health"))
		refusedWell(t, once(addr, chatBody), 503)
	}
	if _, served, arrived := c.counts(); served != 0 || arrived != 2 {
		t.Fatalf("the upstream has answered %d of %d requests: the permits were not held", served, arrived)
	}
	c.answer.Store(1)
	c.letGo()
	for _, done := range append(holders, more) {
		expectOK(t, <-done)
	}
	p.Stop(0)
}

// TestModelHasALimitOfItsOwn, over all workers; other models have room.
func TestModelHasALimitOfItsOwn(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	p := startWith(t, testproc.Options{App: appAPI, Env: []string{
		"WEB_WORKERS=2", "LIMIT_SCOPE=host", "MODEL_LIMITS=small=1", "QUEUE_SIZE=0",
		"OPENAI_BASE_URL=" + c.server.URL, "OPENAI_RETRIES=0", "WORKER_TIMEOUT=0",
	}})
	addr := p.Up()
	p.WaitWorkers(2)
	const small = `{"model":"small","messages":[{"role":"user","content":"x"}]}`
	holders := []<-chan testproc.Result{held(t, c, addr, small)}
	for range 4 {
		refusedWell(t, once(addr, small), 503)
		holders = append(holders, held(t, c, addr, chatBody))
	}
	c.answer.Store(1)
	c.letGo()
	for _, done := range holders {
		expectOK(t, <-done)
	}
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return once(addr, small).Status == 200 }, "the model is served again")
	p.Stop(0)
}
