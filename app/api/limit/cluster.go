package limit

import (
	"context"
	"crypto/rand"
	"fmt"
	randv2 "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/redis"
)

// Times of the leases. A worker that is killed keeps its leases for their life.
const (
	leaseLife  = 5 * time.Second
	leaseRenew = leaseLife / 4
	leaseWait  = time.Second            // who waits and does not ask again is forgotten after it
	leaseAsk   = 30 * time.Millisecond  // how often who waits asks again
	lastAsk    = 250 * time.Millisecond // for who has waited nearly too long already
	redisRetry = time.Second            // between two looks whether Redis is back
	warnEvery  = time.Minute
)

// Cluster counts in Redis what the workers of all hosts have under way. It adds
// to the host's permits and never stands in the way: while Redis cannot be
// reached the host's limits hold alone.
type Cluster struct {
	client *redis.Client
	wait   time.Duration // for each step of an operation
	log    *zap.Logger
	owner  string // begins the names of this worker's leases

	take, renew, drop script

	ids    atomic.Uint64
	down   atomic.Bool
	warned atomic.Pointer[time.Time]

	mu   sync.Mutex
	held map[string][]string // the sets of each lease, by its name

	let  chan lease // to be dropped
	stop chan struct{}
	done sync.WaitGroup
}

// lease is a place in some sets.
type lease struct {
	id   string
	keys []string
}

// OpenCluster prepares to count in the Redis at url. It does not wait for it.
// Close ends it. wait bounds each step of an operation.
func OpenCluster(url string, wait time.Duration, log *zap.Logger) (*Cluster, error) {
	client, err := redis.Open(url, wait)
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		client: client, wait: wait, log: log, owner: rand.Text() + ":",
		take: newScript(takeText), renew: newScript(renewText), drop: newScript(dropText),
		held: make(map[string][]string), let: make(chan lease, 4096), stop: make(chan struct{}),
	}
	c.done.Go(c.keep)
	return c, nil
}

// Close drops what is held and closes the connections.
func (c *Cluster) Close() error {
	close(c.stop)
	c.done.Wait()
	return c.client.Close()
}

// bound is one limit of a request, by its name in Redis.
type bound struct {
	id    int // of the semaphore that has the same limit here
	key   string
	limit int
}

// heldUp is the error of a request that gets no lease: which limit it is, and why.
type heldUp struct {
	by  int // the bound's id
	why error
}

func (h *heldUp) Error() string { return h.why.Error() }
func (h *heldUp) Unwrap() error { return h.why }

// keyOf is the set of a limit. The braces keep all sets on one node of a Redis Cluster.
func keyOf(name string) string { return "webchasor:{limits}:" + name }

// acquire takes a lease under all bounds. If it may wait it does so in the cluster's
// queue until ctx ends, else it asks once. The error is a [heldUp] with the cause of
// ctx, or with ErrFull. Without Redis it takes nothing and is content. beat is
// called while it waits.
func (c *Cluster) acquire(ctx context.Context, bounds []bound, wait bool, beat func()) (*lease, error) {
	l := &lease{id: fmt.Sprintf("%s%d", c.owner, c.ids.Add(1))}
	args := []any{l.id, leaseLife.Milliseconds(), leaseWait.Milliseconds()}
	for _, b := range bounds {
		l.keys = append(l.keys, keyOf(b.key))
		args = append(args, b.limit)
	}
	by := bounds[len(bounds)-1].id // until one has been named
	for ask := (*time.Timer)(nil); ; {
		if c.down.Load() {
			break
		}
		blocker, err := c.take.run(ctx, c.client, l.keys, args...)
		switch {
		case ctx.Err() != nil, err != nil && overdue(ctx):
			<-ctx.Done()
			c.forget(*l)
			return nil, &heldUp{by, context.Cause(ctx)}
		case err != nil:
			c.gone(err)
		}
		if err != nil || blocker == 0 {
			break
		}
		if blocker <= int64(len(bounds)) {
			by = bounds[blocker-1].id
		}
		if !wait {
			c.forget(*l)
			return nil, &heldUp{by, ErrFull}
		}
		// Jitter, so that the waiting do not ask all at once.
		pause := leaseAsk/2 + randv2.N(leaseAsk)
		if ask == nil {
			ask = time.NewTimer(pause)
			defer ask.Stop()
		} else {
			ask.Reset(pause)
		}
		select {
		case <-ask.C:
			beat()
		case <-ctx.Done():
			c.forget(*l)
			return nil, &heldUp{by, context.Cause(ctx)}
		}
	}
	// Without Redis too: it is told when it is back.
	c.mu.Lock()
	c.held[l.id] = l.keys
	c.mu.Unlock()
	return l, nil
}

// overdue: the deadline has passed. The connection to Redis has it too, and may
// fail by it a moment before ctx ends; that says nothing about Redis.
func overdue(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}

// release gives a lease back. It does not wait for Redis.
func (c *Cluster) release(l *lease) {
	c.mu.Lock()
	delete(c.held, l.id)
	c.mu.Unlock()
	c.forget(*l)
}

// forget drops a lease soon. When too many are to be dropped, or Redis is
// gone, it ends by itself, because nobody renews it.
func (c *Cluster) forget(l lease) {
	select {
	case c.let <- l:
	default:
	}
}

// gone notes that Redis does not answer.
func (c *Cluster) gone(err error) {
	c.down.Store(true)
	last, now := c.warned.Load(), time.Now()
	if last != nil && now.Sub(*last) < warnEvery || !c.warned.CompareAndSwap(last, &now) {
		return
	}
	c.log.Warn("cannot reach Redis: the limits hold for each host instead of the cluster until it is back",
		zap.String("error", err.Error()), zap.String("setting", "redis.url"))
}

// keep renews what is held and drops what was released, one after the other:
// a renewal must not bring back what has been dropped. It ends with the Cluster.
func (c *Cluster) keep() {
	renew := time.NewTicker(leaseRenew)
	defer renew.Stop()
	look := time.NewTicker(redisRetry)
	defer look.Stop()
	for {
		select {
		case l := <-c.let:
			c.dropNow(l)
		case <-renew.C:
			c.renewAll()
		case <-look.C:
			if c.down.Load() && c.renewAll() {
				c.down.Store(false)
				c.log.Info("Redis is back: the limits hold for the cluster again")
			}
		case <-c.stop:
			for len(c.let) > 0 {
				c.dropNow(<-c.let)
			}
			return
		}
	}
}

// dropBatch is how many leases are dropped in one round trip.
const dropBatch = 256

// dropNow drops a lease, and those that were given back meanwhile.
func (c *Cluster) dropNow(first lease) {
	all := []lease{first}
	for len(all) < dropBatch && len(c.let) > 0 {
		all = append(all, <-c.let) // nobody else receives
	}
	if c.down.Load() {
		return
	}
	calls := make([]call, len(all))
	for i, l := range all {
		calls[i] = call{l.keys, []any{l.id}}
	}
	if err := c.drop.runAll(context.Background(), c.client, calls); err != nil {
		c.gone(err)
	}
}

// renewAll tells Redis what is held; false means that it cannot be reached.
func (c *Cluster) renewAll() bool {
	bySet := make(map[string][]any)
	c.mu.Lock()
	for id, keys := range c.held {
		for _, key := range keys {
			bySet[key] = append(bySet[key], id)
		}
	}
	c.mu.Unlock()
	ctx := context.Background()
	if len(bySet) == 0 && c.down.Load() {
		return c.client.Ping(ctx).Err() == nil
	}
	for key, ids := range bySet {
		for len(ids) > 0 {
			n := min(len(ids), 1000) // Lua's stack bounds the arguments
			args := append([]any{leaseLife.Milliseconds()}, ids[:n]...)
			if _, err := c.renew.run(ctx, c.client, []string{key}, args...); err != nil {
				c.gone(err)
				return false
			}
			ids = ids[n:]
		}
	}
	return true
}
