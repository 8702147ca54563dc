package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// asker asks with a client key, on a connection of its own.
func asker(t *testing.T, addr, key string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+chatPath, strings.NewReader(chatBody))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Close = true
	client := &http.Client{Transport: &http.Transport{}, Timeout: testproc.Patience}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// TestKeysHaveLimitsOfTheirOwn: a client that uses its share up is refused, on
// whichever worker it asks, and takes nothing from the others.
func TestKeysHaveLimitsOfTheirOwn(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	p := startWith(t, testproc.Options{App: appAPI, Env: []string{
		"WEB_WORKERS=3", "LIMIT_SCOPE=host", "QUEUE_SIZE=0", "OPENAI_BASE_URL=" + c.server.URL, "OPENAI_RETRIES=0", "WATCH=false",
	}, Config: fmt.Sprintf(`api:
  keys:
    - {name: small, sha256: %x, max_concurrent_requests: 2}
    - {name: large, sha256: %x}
`, sha256.Sum256([]byte("key-small")), sha256.Sum256([]byte("key-large")))})
	addr := p.Up()

	answers := make(chan int, 5)
	ask := func(key string, arrivals int) {
		go func() {
			status, _ := asker(t, addr, key)
			answers <- status
		}()
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
			_, _, arrived := c.counts()
			return arrived == arrivals
		}, "a request has reached the upstream")
	}
	ask("key-small", 1)
	ask("key-small", 2)
	for range 4 { // the kernel chooses which worker is asked
		if status, body := asker(t, addr, "key-small"); status != 429 || !strings.Contains(body, "rate_limit_exceeded") {
			t.Fatalf("a third request of a key with 2 got %d %s", status, body)
		}
	}
	ask("key-large", 3)
	ask("key-large", 4)
	ask("key-large", 5)
	c.letGo()
	for range 5 {
		if status := <-answers; status != 200 {
			t.Errorf("a held request got %d", status)
		}
	}
	c.answer.Store(1)
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		status, _ := asker(t, addr, "key-small")
		return status == 200
	}, "the key is served again")
	p.Stop(0)
}
