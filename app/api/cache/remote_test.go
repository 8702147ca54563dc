package cache

import (
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/webchasor/webchasor/internal/redis/redistest"
)

// remoteOf is the Redis half of a cache. On a busy machine an operation may
// exceed its timeout, which turns the cache off for a moment. So tests of
// anything else give it more time.
func remoteOf(t *testing.T, c *Cache) *remote {
	t.Helper()
	r, ok := c.store.(*remote)
	if !ok {
		t.Fatal("the cache is not in Redis")
	}
	r.pauseTime = time.Millisecond
	r.timeout = 20 * time.Second
	return r
}

// workers are caches of several processes that share a Redis.
func workers(t *testing.T, n int, config Config) []*Cache {
	t.Helper()
	config.Redis = redistest.Start(t).URL
	all := make([]*Cache, n)
	for i := range all {
		all[i] = newCache(t, config, nil)
		remoteOf(t, all[i])
	}
	return all
}

func TestRedisIsShared(t *testing.T) {
	t.Parallel()
	w := workers(t, 2, Config{})
	k := keyOf(t, w[0], question)
	fill(miss(t, w[0], k), 200, sseType, events)
	e, f := w[1].Find(t.Context(), k, func() {})
	if f != nil || string(e.Body) != events || !e.Stream || e.ContentType != sseType || time.Since(e.Stored) > time.Hour {
		t.Errorf("another worker found %+v", e)
	}
	r := remoteOf(t, w[0])
	if ttl, err := r.client.PTTL(t.Context(), r.prefix+k.String()).Result(); err != nil || ttl <= 0 || ttl > r.config.TTL {
		t.Errorf("it is kept for %v, %v", ttl, err)
	}
	if err := r.client.Set(t.Context(), r.prefix+k.String(), "something else", 0).Err(); err != nil {
		t.Fatal(err)
	}
	want(t, w[1], k, "")
	if names, err := r.client.Keys(t.Context(), "*:claim").Result(); err != nil || len(names) != 0 {
		t.Errorf("claims stay: %q, %v", names, err)
	}
}

// Equal requests to several workers ask the upstream once.
func TestRedisSingleFlight(t *testing.T) {
	t.Parallel()
	w := workers(t, 4, Config{Wait: time.Hour})
	k := keyOf(t, w[0], question)
	var turn atomic.Int64
	hits, leads, alone := crowd(t, 40, func() (*Entry, *Fill) { return w[turn.Add(1)%4].Find(t.Context(), k, func() {}) }, func(f *Fill) {
		<-time.After(100 * time.Millisecond) // the others come meanwhile, or later: both are fine
		fill(f, 200, jsonType, answer)
	})
	if hits != 39 || leads != 1 || alone != 0 {
		t.Errorf("%d hits, %d asked for all, %d for themselves; want 39, 1, 0", hits, leads, alone)
	}
}

// A worker that dies in the middle holds the others up for its lease only.
func TestRedisDeadOwner(t *testing.T) {
	t.Parallel()
	w := workers(t, 2, Config{Wait: time.Hour})
	r := remoteOf(t, w[0])
	r.lease, r.refresh = 300*time.Millisecond, time.Hour // it never extends: it is dead
	k := keyOf(t, w[0], question)
	dead := miss(t, w[0], k)
	e, f := w[1].Find(t.Context(), k, func() {})
	if e != nil || !f.Wanted() {
		t.Fatalf("found %+v", e)
	}
	// The dead one comes back and lets go what is no longer his.
	dead.Close()
	if n, err := r.client.Exists(t.Context(), r.prefix+k.String()+":claim").Result(); err != nil || n != 1 {
		t.Errorf("the claim of the living was given back by the dead: %d, %v", n, err)
	}
	fill(f, 200, jsonType, answer)
	want(t, w[0], k, answer)
}

// A living owner keeps its claim beyond the lease.
func TestRedisClaimIsExtended(t *testing.T) {
	t.Parallel()
	w := workers(t, 2, Config{Wait: 20 * time.Millisecond})
	r := remoteOf(t, w[0])
	r.refresh = 10 * time.Millisecond
	k := keyOf(t, w[0], question)
	f := miss(t, w[0], k)
	name := r.prefix + k.String() + ":claim"
	// Shortened from outside, it is soon as long as before.
	if err := r.client.PExpire(t.Context(), name, r.lease/2).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the claim is extended", func() bool {
		left, err := r.client.PTTL(t.Context(), name).Result()
		return err == nil && left > r.lease/2
	})
	if e, g := w[1].Find(t.Context(), k, func() {}); e != nil || g.Wanted() {
		t.Error("another worker did not give way")
	}
	fill(f, 200, jsonType, answer)
	if e, _ := w[1].Find(t.Context(), k, func() {}); e == nil {
		t.Error("the answer is not there")
	}
}

// Without Redis every request goes by itself, with one warning; when it is back
// so is the cache.
func TestRedisGone(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	core, logs := observer.New(zapcore.InfoLevel)
	c := newCache(t, Config{Redis: server.URL, Wait: time.Hour}, zap.New(core))
	remoteOf(t, c)
	k := keyOf(t, c, question)
	server.Stop()
	for range 20 {
		f := miss(t, c, k)
		fill(f, 200, jsonType, answer)
	}
	if got := logs.FilterLevelExact(zapcore.WarnLevel).Len(); got != 1 {
		t.Errorf("%d warnings, want 1", got)
	}
	server.Restart()
	eventually(t, "the cache is on again", func() bool {
		e, f := c.Find(t.Context(), k, func() {})
		if f != nil {
			fill(f, 200, jsonType, answer)
		}
		return e != nil
	})
	if got := logs.FilterMessageSnippet("on again").Len(); got != 1 {
		t.Errorf("%d lines say that it is back, want 1", got)
	}
}

// A Redis that hangs costs an operation its time, and the next ones nothing.
func TestRedisHangs(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := newCache(t, Config{Redis: server.URL, Wait: time.Hour}, nil)
	r := remoteOf(t, c)
	r.timeout, r.pauseTime = 50*time.Millisecond, time.Hour
	k := keyOf(t, c, question)
	server.Freeze()
	defer server.Thaw()
	fill(miss(t, c, k), 200, jsonType, answer)
	fill(miss(t, c, k), 200, jsonType, answer)
	if r.gone.Load() == nil {
		t.Error("nobody noticed")
	}
}

func TestBadURL(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{Redis: "localhost"}, zap.NewNop()); err == nil {
		t.Error("a URL that is none was taken")
	}
}
