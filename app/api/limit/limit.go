// Package limit hands out the permits of the API: how many requests and how
// many LLM calls may be under way at a time, with one bounded queue in front.
package limit

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// class says which limits a request counts against.
type class uint8

const (
	classAPI  class = iota // max_concurrent_requests
	classChat              // that and llm_concurrent_limit
	classes
)

// Why a request is refused.
var (
	ErrFull = errors.New("all permits are taken and the queue is full")
	ErrSlow = errors.New("no permit became free within queue_timeout")
)

// Refusal is the error of a request that gets no permit. It wraps [ErrFull] or
// [ErrSlow].
type Refusal struct {
	Reason     error
	RetryAfter time.Duration // when another try makes sense
}

// Error says why.
func (r *Refusal) Error() string { return r.Reason.Error() }

// Unwrap returns the reason.
func (r *Refusal) Unwrap() error { return r.Reason }

// retrySoon is the advice to who is refused: another worker, or this one a
// moment later, can do better. Clients add their own jitter.
const retrySoon = time.Second

// Want is what a request asks for.
type Want struct {
	LLM   bool   // it calls an LLM, so it counts against llm_concurrent_limit too
	Key   string // name of the client's key; "" is none
	Model string // name of the model; "" is none
}

func (w Want) class() class {
	if w.LLM {
		return classChat
	}
	return classAPI
}

// Options are the limits. A limit of 0 or less is none; without queue or
// patience nobody waits.
type Options struct {
	API, LLM int           // requests, and LLM calls among them, at a time
	Queue    int           // requests that may wait
	Patience time.Duration // longest wait
}

// Limiter hands out permits under two limits, with one bounded queue before both.
//
// A request takes all the permits it needs at once or none, so a chat request
// that waits for an LLM permit holds nothing that others could use. Waiting
// requests are served first come first served among those that can be served:
// nothing overtakes unless the one before it waits for an LLM permit and it
// itself needs none.
//
// Invariant, under mu: no waiter's needs fit into what is free.
type Limiter struct {
	patience time.Duration // longest wait; 0 is none

	mu     sync.Mutex
	used   [classes]int       // used[classAPI] counts the chat requests too
	limit  [classes]int       // 0 is no limit
	queue  [classes]list.List // of *waiter, oldest first
	room   int                // longest queue, both classes together
	ticket uint64             // of the latest waiter
}

// waiter is a request in the queue.
type waiter struct {
	ticket  uint64
	granted chan struct{} // closed, under the limiter's mu, when it got its permits
}

// New returns a limiter with nothing taken.
func New(o Options) *Limiter {
	return &Limiter{
		limit:    [classes]int{classAPI: max(o.API, 0), classChat: max(o.LLM, 0)},
		room:     max(o.Queue, 0),
		patience: max(o.Patience, 0),
	}
}

// Permit is what an admitted request holds. Release it exactly when the last
// byte of the answer is written; further calls do nothing.
type Permit struct {
	limiter *Limiter
	class   class
	once    sync.Once
}

// Release gives the permit back.
func (p *Permit) Release() {
	p.once.Do(func() { p.limiter.put(p.class) })
}

// Try takes a permit or returns nil; it never waits.
func (g *Limiter) Try(w Want) *Permit {
	c := w.class()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.fits(c) {
		return nil
	}
	g.take(c)
	return &Permit{limiter: g, class: c}
}

// Acquire takes a permit, if need be after queueing for up to the limiter's
// patience. The error is a [Refusal], ErrFull at once or ErrSlow after the
// patience, or the cause of ctx. beat is called now and then from this goroutine while it
// waits, so that waiting does not look like being stuck.
func (g *Limiter) Acquire(ctx context.Context, want Want, beat func()) (*Permit, error) {
	c := want.class()
	g.mu.Lock()
	if g.fits(c) {
		g.take(c)
		g.mu.Unlock()
		return &Permit{limiter: g, class: c}, nil
	}
	if g.patience == 0 || g.queue[classAPI].Len()+g.queue[classChat].Len() >= g.room {
		g.mu.Unlock()
		return nil, &Refusal{Reason: ErrFull, RetryAfter: retrySoon}
	}
	g.ticket++
	w := &waiter{ticket: g.ticket, granted: make(chan struct{})}
	place := g.queue[c].PushBack(w)
	g.mu.Unlock()

	err := g.await(ctx, w, beat)
	if err == nil {
		return &Permit{limiter: g, class: c}, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.granted: // at the same moment
		if ctx.Err() == nil {
			return &Permit{limiter: g, class: c}, nil
		}
		g.giveBack(c)
	default:
		g.queue[c].Remove(place)
	}
	return nil, err
}

// beatEvery is how often a waiting request shows that it is not stuck. It is
// well below any sensible request timeout.
const beatEvery = 100 * time.Millisecond

func (g *Limiter) await(ctx context.Context, w *waiter, beat func()) error {
	patience := time.NewTimer(g.patience)
	defer patience.Stop()
	ticks := time.NewTicker(beatEvery)
	defer ticks.Stop()
	for {
		select {
		case <-w.granted:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-patience.C:
			return &Refusal{Reason: ErrSlow, RetryAfter: retrySoon}
		case <-ticks.C:
			beat()
		}
	}
}

func (g *Limiter) put(c class) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.giveBack(c)
}

// giveBack returns a request's permits and restores the invariant. mu is held.
func (g *Limiter) giveBack(c class) {
	g.used[classAPI]--
	if c == classChat {
		g.used[classChat]--
	}
	for {
		c, ok := g.next()
		if !ok {
			return
		}
		w, _ := g.queue[c].Remove(g.queue[c].Front()).(*waiter)
		g.take(c)
		close(w.granted)
	}
}

// next returns the class whose oldest waiter is to be served now. mu is held.
func (g *Limiter) next() (class, bool) {
	var found class
	var ticket uint64
	for c := range classes {
		front := g.queue[c].Front()
		if front == nil || !g.fits(c) {
			continue
		}
		if w, _ := front.Value.(*waiter); ticket == 0 || w.ticket < ticket {
			found, ticket = c, w.ticket
		}
	}
	return found, ticket != 0
}

// fits says whether the permits of c are free. mu is held.
func (g *Limiter) fits(c class) bool {
	below := func(c class) bool { return g.limit[c] == 0 || g.used[c] < g.limit[c] }
	return below(classAPI) && (c == classAPI || below(classChat))
}

// take marks the permits of c as used. mu is held.
func (g *Limiter) take(c class) {
	g.used[classAPI]++
	if c == classChat {
		g.used[classChat]++
	}
}

// Load is a snapshot of a limiter.
type Load struct {
	API, LLM, Waiting int
}

// Load says what is taken and how many wait.
func (g *Limiter) Load() Load {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Load{
		API:     g.used[classAPI],
		LLM:     g.used[classChat],
		Waiting: g.queue[classAPI].Len() + g.queue[classChat].Len(),
	}
}
