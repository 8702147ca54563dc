package limit

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/webchasor/webchasor/internal/permits"
	"github.com/webchasor/webchasor/internal/redis"
)

const patience = 30 * time.Second

// redisServer is a real one on a port of its own.
type redisServer struct {
	t    *testing.T
	path string
	addr string
	cmd  *exec.Cmd
	out  bytes.Buffer
}

// startRedis skips the test where there is no redis-server.
func startRedis(t *testing.T) *redisServer {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed (Debian package redis-server)")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &redisServer{t: t, path: path, addr: l.Addr().String()}
	_ = l.Close()
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *redisServer) url() string { return "redis://" + s.addr + "/0" }

func (s *redisServer) start() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	s.cmd = exec.Command(s.path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.t.TempDir())
	s.out.Reset()
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	c, err := redis.Open(s.url(), time.Second)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	eventually(s.t, "redis-server answers", func() bool { return c.Ping(s.t.Context()).Err() == nil })
}

func (s *redisServer) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !cond(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// member is one worker of the cluster, on a host of its own.
func member(t *testing.T, s *redisServer, log *zap.Logger, o Options) *Limiter {
	t.Helper()
	c, err := OpenCluster(s.url(), patience, log) // patient: the machine may be busy
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	o.Cluster = c
	return New(o)
}

// TestClusterLimitIsExact: three hosts, and never more than the limit at a time.
func TestClusterLimitIsExact(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	const limit = 5
	var under, most, served atomic.Int64
	var crowd sync.WaitGroup
	for range 3 {
		m := member(t, s, zap.NewNop(), Options{API: 100, LLM: limit, Queue: 100, Patience: patience})
		for range 10 {
			crowd.Go(func() {
				for range 4 {
					p, err := m.Acquire(t.Context(), Want{LLM: true}, never)
					if err != nil {
						t.Errorf("no permit: %v", err)
						return
					}
					raise(&most, under.Add(1))
					<-time.After(2 * time.Millisecond)
					under.Add(-1)
					served.Add(1)
					p.Release()
				}
			})
		}
	}
	crowd.Wait()
	if most.Load() > limit || served.Load() != 120 {
		t.Errorf("%d at a time, %d served; want at most %d, and 120", most.Load(), served.Load(), limit)
	}
	t.Logf("at most %d at a time", most.Load())
}

func raise(w *atomic.Int64, v int64) {
	for old := w.Load(); old < v && !w.CompareAndSwap(old, v); old = w.Load() {
	}
}

// TestClusterWaitingEnds: by its patience, and with its client.
func TestClusterWaitingEnds(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	o := Options{API: 10, LLM: 1, Queue: 10, Patience: 300 * time.Millisecond}
	one, other := member(t, s, zap.NewNop(), o), member(t, s, zap.NewNop(), o)
	p, err := one.Acquire(t.Context(), Want{LLM: true}, never)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Acquire(t.Context(), Want{LLM: true}, never); !errors.Is(err, ErrSlow) {
		t.Errorf("with the permit on another host: %v, want %v", err, ErrSlow)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errGone)
	if _, err := other.Acquire(ctx, Want{LLM: true}, never); !errors.Is(err, errGone) {
		t.Errorf("a client that has left: %v, want %v", err, errGone)
	}
	if at := other.Load(); at != (Load{}) {
		t.Errorf("left over on the waiting host: %+v", at)
	}
	p.Release()
	eventually(t, "the permit comes to the other host", func() bool {
		p, err := other.Acquire(t.Context(), Want{LLM: true}, never)
		if err == nil {
			p.Release()
		}
		return err == nil
	})
}

// TestClusterRefusesAtOnce: where nobody may wait nobody does, and the answer
// blames the limit that is full.
func TestClusterRefusesAtOnce(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	open := func(queue int) *Limiter {
		place := permits.Private(permits.Limits{API: 10, LLM: 10, Queue: queue, Patience: time.Minute, Keys: map[string]int{"shop": 1}})
		return member(t, s, zap.NewNop(), Options{Place: place})
	}
	one, other := open(0), open(0)
	p, err := one.Acquire(t.Context(), Want{LLM: true, Key: "shop"}, never)
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.Acquire(t.Context(), Want{LLM: true, Key: "shop"}, never)
	if why, ok := errors.AsType[*Refusal](err); !ok || !errors.Is(err, ErrFull) || why.Status != statusTooMany {
		t.Errorf("a key that is at its limit elsewhere: %v", err) // after a minute it would be ErrSlow
	}
	q, err := other.Acquire(t.Context(), Want{LLM: true, Key: "another"}, never)
	if err != nil {
		t.Fatal(err)
	}
	q.Release()
	p.Release()
}

// TestClusterDropsTogether: thousands of leases go back in few steps, also to a Redis that has
// forgotten the script.
func TestClusterDropsTogether(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	m := member(t, s, zap.NewNop(), Options{API: 1000, LLM: 1000})
	var held []*Permit
	for range 600 {
		p, err := m.Acquire(t.Context(), Want{LLM: true}, never)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, p)
	}
	c := m.cluster.client
	if err := c.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for _, p := range held {
		p.Release()
	}
	eventually(t, "all leases are dropped", func() bool {
		return c.ZCard(t.Context(), keyOf("llm")).Val() == 0 && c.ZCard(t.Context(), keyOf("api")).Val() == 0
	})
	if m.cluster.down.Load() {
		t.Error("it looks as if Redis were gone")
	}
}

// TestClusterLeaseOfTheDeadEnds: a worker that is gone without a word.
func TestClusterLeaseOfTheDeadEnds(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	o := Options{API: 10, LLM: 1, Queue: 10, Patience: patience}
	dead, heir := member(t, s, zap.NewNop(), o), member(t, s, zap.NewNop(), o)
	if _, err := dead.Acquire(t.Context(), Want{LLM: true}, never); err != nil {
		t.Fatal(err)
	}
	dead.cluster.mu.Lock()
	clear(dead.cluster.held) // it renews nothing any more
	dead.cluster.mu.Unlock()
	begin := time.Now()
	p, err := heir.Acquire(t.Context(), Want{LLM: true}, never)
	if err != nil {
		t.Fatal(err)
	}
	p.Release()
	t.Logf("the lease was free after %v", time.Since(begin).Round(time.Millisecond))
}

// TestClusterWithoutRedis: no request fails for it, the host's limit holds,
// and the cluster's again when Redis is back, for what was taken meanwhile too.
func TestClusterWithoutRedis(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	core, logged := observer.New(zap.InfoLevel)
	o := Options{API: 10, LLM: 2, Queue: 0, Patience: 2 * time.Second}
	one, other := member(t, s, zap.New(core), o), member(t, s, zap.NewNop(), o)
	take := func(l *Limiter) *Permit {
		t.Helper()
		p, err := l.Acquire(t.Context(), Want{LLM: true}, never)
		if err != nil {
			t.Fatalf("without Redis: %v", err)
		}
		return p
	}
	s.stop()
	held := []*Permit{take(one), take(one)}
	if p, err := one.Acquire(t.Context(), Want{LLM: true}, never); !errors.Is(err, ErrFull) {
		t.Errorf("a third permit on this host: %v, %v, want %v", p, err, ErrFull)
	}
	if n := logged.FilterMessageSnippet("cannot reach Redis").Len(); n != 1 {
		t.Errorf("%d warnings, want one", n)
	}
	take(other).Release()

	s.start()
	for _, m := range []*Limiter{one, other} {
		eventually(t, "Redis is found again", func() bool { return !m.cluster.down.Load() })
	}
	if n := logged.FilterMessageSnippet("Redis is back").Len(); n != 1 {
		t.Errorf("%d lines that it is back, want one", n)
	}
	if p, err := other.Acquire(t.Context(), Want{LLM: true}, never); err == nil {
		t.Error("the other host got a permit, although both are taken since before Redis was back")
		p.Release()
	}
	for _, p := range held {
		p.Release()
	}
	eventually(t, "a released permit comes to the other host", func() bool {
		p, err := other.Acquire(t.Context(), Want{LLM: true}, never)
		if err == nil {
			p.Release()
		}
		return err == nil
	})
}
