package api

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

var (
	errQueueFull = errors.New("all permits are taken and the queue is full")
	errQueueSlow = errors.New("no permit became free within queue_timeout")
)

// gate hands out permits under two limits, with one bounded queue before both.
//
// A request takes all the permits it needs at once or none, so a chat request
// that waits for an LLM permit holds nothing that others could use. Waiting
// requests are served first come first served among those that can be served:
// nothing overtakes unless the one before it waits for an LLM permit and it
// itself needs none.
//
// Invariant, under mu: no waiter's needs fit into what is free.
type gate struct {
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
	granted chan struct{} // closed, under the gate's mu, when it got its permits
}

// newGate returns a gate with nothing taken. A limit of 0 or less is none;
// without room or patience nobody waits.
func newGate(api, llm, room int, patience time.Duration) *gate {
	return &gate{
		limit:    [classes]int{classAPI: max(api, 0), classChat: max(llm, 0)},
		room:     max(room, 0),
		patience: max(patience, 0),
	}
}

// permit is what an admitted request holds. release it exactly when the last
// byte of the answer is written; further calls do nothing.
type permit struct {
	gate  *gate
	class class
	once  sync.Once
}

func (p *permit) release() {
	p.once.Do(func() { p.gate.put(p.class) })
}

// try takes a permit or returns nil; it never waits.
func (g *gate) try(c class) *permit {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.fits(c) {
		return nil
	}
	g.take(c)
	return &permit{gate: g, class: c}
}

// wait takes a permit, if need be after queueing for up to the gate's
// patience. It returns errQueueFull at once, errQueueSlow after the patience, or the
// cause of ctx. beat is called now and then from this goroutine while it
// waits, so that waiting does not look like being stuck.
func (g *gate) wait(ctx context.Context, c class, beat func()) (*permit, error) {
	g.mu.Lock()
	if g.fits(c) {
		g.take(c)
		g.mu.Unlock()
		return &permit{gate: g, class: c}, nil
	}
	if g.patience == 0 || g.queue[classAPI].Len()+g.queue[classChat].Len() >= g.room {
		g.mu.Unlock()
		return nil, errQueueFull
	}
	g.ticket++
	w := &waiter{ticket: g.ticket, granted: make(chan struct{})}
	place := g.queue[c].PushBack(w)
	g.mu.Unlock()

	err := g.await(ctx, w, beat)
	if err == nil {
		return &permit{gate: g, class: c}, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.granted: // at the same moment
		if ctx.Err() == nil {
			return &permit{gate: g, class: c}, nil
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

func (g *gate) await(ctx context.Context, w *waiter, beat func()) error {
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
			return errQueueSlow
		case <-ticks.C:
			beat()
		}
	}
}

func (g *gate) put(c class) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.giveBack(c)
}

// giveBack returns a request's permits and restores the invariant. mu is held.
func (g *gate) giveBack(c class) {
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
func (g *gate) next() (class, bool) {
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
func (g *gate) fits(c class) bool {
	below := func(c class) bool { return g.limit[c] == 0 || g.used[c] < g.limit[c] }
	return below(classAPI) && (c == classAPI || below(classChat))
}

// take marks the permits of c as used. mu is held.
func (g *gate) take(c class) {
	g.used[classAPI]++
	if c == classChat {
		g.used[classChat]++
	}
}

// load is a snapshot of a gate.
type load struct {
	API, LLM, Waiting int
}

func (g *gate) load() load {
	g.mu.Lock()
	defer g.mu.Unlock()
	return load{
		API:     g.used[classAPI],
		LLM:     g.used[classChat],
		Waiting: g.queue[classAPI].Len() + g.queue[classChat].Len(),
	}
}
