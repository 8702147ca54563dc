package cache

import (
	"testing"
	"time"

	"go.uber.org/zap"
)

const (
	question = `{"model":"m","temperature":0,"messages":[]}`
	answer   = `{"id":"1","choices":[]}`
	events   = "data: {\"id\":\"1\"}\n\ndata: [DONE]\n\n"
	jsonType = "application/json"
	sseType  = "text/event-stream; charset=utf-8"
)

func newCache(t *testing.T, c Config, log *zap.Logger) *Cache {
	t.Helper()
	if log == nil {
		log = zap.NewNop()
	}
	made, err := New(c, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	return made
}

func keyOf(t *testing.T, c *Cache, body string) Key {
	t.Helper()
	k, ok := c.Key(Request{Path: "/v1/chat/completions", Body: []byte(body)})
	if !ok {
		t.Fatalf("%s is not to be cached", body)
	}
	return k
}

// miss returns the duty to answer, and fails when there is an answer.
func miss(t *testing.T, c *Cache, k Key) *Fill {
	t.Helper()
	e, f := c.Find(t.Context(), k, func() {})
	if e != nil {
		t.Fatalf("there is an answer already: %s", e.Body)
	}
	t.Cleanup(f.Close)
	return f
}

func fill(f *Fill, status int, contentType, body string) {
	f.Begin(status, contentType)
	for _, c := range []byte(body) {
		_, _ = f.Write([]byte{c})
	}
	f.Done()
	f.Close()
}

// want checks what the cache has, "" for nothing.
func want(t *testing.T, c *Cache, k Key, body string) {
	t.Helper()
	got := ""
	if e := c.store.get(t.Context(), k); e != nil {
		got = string(e.Body)
	}
	if got != body {
		t.Errorf("the cache has %q, want %q", got, body)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("never happened: " + what)
		}
	}
}
