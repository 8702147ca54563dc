package cache

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/redis"
)

const (
	dialTimeout  = 5 * time.Second  // of an operation's steps that go on when nobody waits any more
	remotePause  = 2 * time.Second  // without Redis after a failed operation
	claimLease   = 10 * time.Second // how long a dead owner holds others up
	claimRefresh = 3 * time.Second
)

// release and extend act only for the owner of the token.
const (
	releaseScript = `if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0`
	extendScript  = `if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) end return 0`
)

// remote is the store in Redis.
type remote struct {
	config Config
	log    *zap.Logger
	client *redis.Client
	prefix string

	gone      atomic.Pointer[time.Time] // until when Redis is left alone; nil while it answers
	now       func() time.Time
	lease     time.Duration
	refresh   time.Duration
	timeout   time.Duration
	pauseTime time.Duration
}

func newRemote(c Config, log *zap.Logger) (*remote, error) {
	client, err := redis.Open(c.Redis, max(c.RedisTimeout, dialTimeout))
	if err != nil {
		return nil, err
	}
	return &remote{
		config: c, log: log, client: client, now: time.Now, prefix: "webchasor:cache:" + c.Namespace + ":",
		lease: claimLease, refresh: claimRefresh, timeout: c.RedisTimeout, pauseTime: remotePause,
	}, nil
}

func (r *remote) close() { _ = r.client.Close() }

// try runs one operation within its time, unless Redis is being left alone. It
// returns whether Redis did it.
func (r *remote) try(ctx context.Context, what string, do func(context.Context) error) bool {
	if until := r.gone.Load(); until != nil {
		now := r.now()
		// After the pause one request finds out, the others do not wait for it.
		if now.Before(*until) || !r.gone.CompareAndSwap(until, r.pauseEnd(now)) {
			return false
		}
	}
	// The operation outlives its client, for Redis must not look broken because a client left.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout)
	defer cancel()
	if err := do(ctx); err != nil {
		if r.gone.Swap(r.pauseEnd(r.now())) == nil {
			r.log.Warn("the response cache is off: Redis does not answer", zap.String("operation", what), zap.Error(err),
				zap.String("remedy", "check that Redis runs at the configured URL; requests go on without the cache"))
		}
		return false
	}
	if r.gone.Load() != nil && r.gone.Swap(nil) != nil {
		r.log.Info("the response cache is on again: Redis answers")
	}
	return true
}

// pauseEnd keeps now's monotonic reading: a step of the clock must not keep Redis out.
func (r *remote) pauseEnd(now time.Time) *time.Time {
	end := now.Add(r.pauseTime)
	return &end
}

func (r *remote) get(ctx context.Context, k Key) (e *Entry) {
	r.try(ctx, "get", func(ctx context.Context) error {
		text, err := r.client.Get(ctx, r.prefix+k.String()).Bytes()
		if redis.Missing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if e, err = decode(text); err != nil {
			r.log.Debug("an entry of the response cache is not used", zap.Stringer("key", k), zap.Error(err))
		}
		return nil
	})
	return e
}

func (r *remote) put(k Key, e *Entry) {
	text, err := e.encode()
	if err != nil {
		return
	}
	r.try(context.Background(), "set", func(ctx context.Context) error {
		return r.client.Set(ctx, r.prefix+k.String(), text, r.config.TTL).Err()
	})
}

// claim with Redis gone is everybody's.
func (r *remote) claim(ctx context.Context, k Key) *claim {
	name, token := r.prefix+k.String()+":claim", rand.Text()
	got := false
	if !r.try(ctx, "claim", func(ctx context.Context) (err error) {
		got, err = r.client.SetNX(ctx, name, token, r.lease).Result()
		return err
	}) {
		return &claim{func() {}}
	}
	if !got {
		return nil
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		r.keep(name, token, stop)
	}()
	return &claim{func() {
		close(stop)
		<-stopped
		r.try(context.Background(), "release", func(ctx context.Context) error {
			return r.client.Eval(ctx, releaseScript, []string{name}, token).Err()
		})
	}}
}

// keep extends a claim until it is given back or was lost.
func (r *remote) keep(name, token string, stop <-chan struct{}) {
	tick := time.NewTicker(r.refresh)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		lost := false
		r.try(context.Background(), "extend", func(ctx context.Context) error {
			n, err := r.client.Eval(ctx, extendScript, []string{name}, token, r.lease.Milliseconds()).Int()
			lost = err == nil && n == 0
			return err
		})
		if lost {
			return
		}
	}
}

// changed waits longer from turn to turn: 20 ms at first, a quarter of a second in the end.
func (r *remote) changed(ctx context.Context, turn int) error {
	timer := time.NewTimer(min(20*time.Millisecond<<min(turn, 10), 250*time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the wait for another worker's answer ended: %w", context.Cause(ctx))
	}
}
