package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Config is what a [Cache] works by.
type Config struct {
	Redis        string        // URL, as redis://host:6379/0; "" is the memory of this process
	RedisTimeout time.Duration // of one operation; 0 is 250ms. One that takes longer turns the cache off for a moment.
	MaxBytes     int64         // of all entries in memory; 0 is 64 MiB. Redis has its own maxmemory.
	MaxEntry     int64         // of one answer; 0 is 1 MiB
	TTL          time.Duration // how long an answer is good; 0 is 10m
	Wait         time.Duration // how long a request waits for the answer to an equal one; 0 is 30s
	Shared       bool          // one cache for all clients
	Namespace    string        // distinguishes answers of services whose models mean something else
	Headers      []string      // headers of the client that upstreams see and may answer by: their values are part of the question
}

func (c *Config) complete() error {
	if c.MaxBytes < 0 || c.MaxEntry < 0 || c.TTL < 0 || c.Wait < 0 || c.RedisTimeout < 0 {
		return errors.New("sizes and times of the cache cannot be negative")
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 64 << 20
	}
	if c.MaxEntry == 0 {
		c.MaxEntry = 1 << 20
	}
	c.MaxEntry = min(c.MaxEntry, 1<<31) // weights have 32 bits
	if c.TTL == 0 {
		c.TTL = 10 * time.Minute
	}
	if c.RedisTimeout == 0 {
		c.RedisTimeout = 250 * time.Millisecond // more costs a client more than a miss
	}
	if c.Wait == 0 {
		c.Wait = 30 * time.Second
	}
	return nil
}

// store keeps entries, and decides between processes who fetches one.
type store interface {
	// get returns nil for an entry that is not there, or cannot be had now.
	get(ctx context.Context, k Key) *Entry
	put(k Key, e *Entry)
	// claim returns the claim to fetch an entry, or nil while somebody else has one.
	claim(ctx context.Context, k Key) *claim
	// changed returns after a moment in which an entry or a claim may have changed.
	changed(ctx context.Context, turn int) error
	close()
}

// claim is the right of one process to fetch an entry.
type claim struct {
	release func()
}

// Cache is used by any number of goroutines.
type Cache struct {
	config Config
	log    *zap.Logger
	store  store
	now    func() time.Time

	mu      sync.Mutex
	flights map[Key]*flight
}

// flight is one fetch of this process that others wait for.
type flight struct {
	landed chan struct{} // closed at the end
	entry  *Entry        // nil if it came to nothing; read it after landed
}

// New returns an empty cache. Redis is not connected to before it is needed, and may
// come and go.
func New(config Config, log *zap.Logger) (*Cache, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	c := &Cache{config: config, log: log, now: time.Now, flights: map[Key]*flight{}}
	var err error
	if config.Redis != "" {
		c.store, err = newRemote(config, log)
	} else {
		c.store, err = newMemory(config)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot set up the cache: %w", err)
	}
	return c, nil
}

// Close ends connections and goroutines. Answers under way are not stored any more.
func (c *Cache) Close() { c.store.close() }

// Find returns the answer, or else the duty to fetch it: exactly one of the two
// is nil. It waits, up to Config.Wait, for an equal request that is being
// answered; beat is called now and then meanwhile. When ctx ends the duty is an empty one.
func (c *Cache) Find(ctx context.Context, k Key, beat func()) (*Entry, *Fill) {
	if e := c.store.get(ctx, k); e != nil {
		return e, nil
	}
	mine, other := c.board(k)
	if mine != nil {
		return c.lead(ctx, k, mine, c.config.Wait, beat)
	}
	if !c.await(ctx, other, beat) {
		return nil, &Fill{}
	}
	if other.entry != nil {
		return other.entry, nil
	}
	// The answer was none to keep. Everybody who waited goes now, all at once and not one
	// after the other; the first of them may find one that is.
	if mine, _ = c.board(k); mine != nil {
		return c.lead(ctx, k, mine, 0, beat)
	}
	return nil, &Fill{}
}

// beatEvery is how often who waits shows that it is not stuck.
const beatEvery = 100 * time.Millisecond

// await returns whether a flight landed in time.
func (c *Cache) await(ctx context.Context, f *flight, beat func()) bool {
	wait := time.NewTimer(c.config.Wait)
	defer wait.Stop()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-f.landed:
			return true
		case <-tick.C:
			beat()
		case <-wait.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// board starts a flight, or returns the one that is under way.
func (c *Cache) board(k Key) (mine, other *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[k]; f != nil {
		return nil, f
	}
	f := &flight{landed: make(chan struct{})}
	c.flights[k] = f
	return f, nil
}

// land ends a flight with an entry or with nothing.
func (c *Cache) land(k Key, f *flight, e *Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.entry = e
	delete(c.flights, k)
	close(f.landed)
}

// lead goes for this process: by itself, or by waiting for another one.
func (c *Cache) lead(ctx context.Context, k Key, f *flight, patience time.Duration, beat func()) (*Entry, *Fill) {
	deadline := c.now().Add(patience)
	for turn := 0; ; turn++ {
		if claim := c.store.claim(ctx, k); claim != nil {
			// Somebody may have stored it and gone between our look and our claim.
			if e := c.store.get(ctx, k); e != nil {
				claim.release()
				c.land(k, f, e)
				return e, nil
			}
			return nil, &Fill{cache: c, key: k, flight: f, claim: claim}
		}
		if !c.now().Before(deadline) || c.store.changed(ctx, turn) != nil {
			c.land(k, f, nil)
			return nil, &Fill{}
		}
		beat()
		if e := c.store.get(ctx, k); e != nil {
			c.land(k, f, e)
			return e, nil
		}
	}
}
