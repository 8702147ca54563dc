package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/redis"
	"github.com/webchasor/webchasor/internal/redis/redistest"
)

func open(t *testing.T, url string, timeout time.Duration) *redis.Client {
	t.Helper()
	c, err := redis.Open(url, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestServer(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := open(t, s.URL, 10*time.Second)
	if err := c.Get(t.Context(), "x").Err(); !redis.Missing(err) {
		t.Errorf("a key that is not there: %v", err)
	}
	if err := c.Set(t.Context(), "x", "y", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Get(t.Context(), "x").Result(); err != nil || got != "y" {
		t.Errorf("got %q, %v", got, err)
	}
	s.Stop()
	if err := c.Get(t.Context(), "x").Err(); err == nil || redis.Missing(err) {
		t.Errorf("a server that is gone: %v", err)
	}
	s.Restart()
	if err := c.Get(t.Context(), "x").Err(); !redis.Missing(err) {
		t.Errorf("a new server: %v", err)
	}
}

// A server that hangs costs the timeout, not more.
func TestTimeout(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := open(t, s.URL, 50*time.Millisecond)
	s.Freeze()
	defer s.Thaw()
	if err := c.Get(t.Context(), "x").Err(); err == nil || redis.Missing(err) {
		t.Errorf("a server that hangs: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "host:6379", "http://user:secret@host", "redis://user:secret@host:port:x/0"} {
		if c, err := redis.Open(url, time.Second); err == nil {
			c.Close()
			t.Errorf("%q was taken", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
	if _, err := redis.Open("redis://host", 0); err == nil {
		t.Error("no timeout was taken")
	}
}
