package limit

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/webchasor/webchasor/internal/permits"
)

// Limiter hands out permits. Its methods may be called by many goroutines at once.
//
// Invariant, under mu: no waiter's needs fit into what was free when it was
// last looked; whoever frees something looks again, in this process or by bell.
type Limiter struct {
	place   *permits.Place
	cluster *Cluster      // nil: the place is all
	kick    chan struct{} // somebody rang

	mu      sync.Mutex
	queue   list.List // of *waiter, oldest first
	plain   int       // of these, how many need no LLM
	blocked []int16   // what those in the queue wait for
	tending bool      // a goroutine looks after the queue
}

// waiter is a request in the queue.
type waiter struct {
	ticket  uint64
	needs   permits.Needs
	llm     bool
	blocker int           // what it waits for
	granted chan struct{} // closed, under the limiter's mu, when it got its permits
}

// New returns a limiter with nothing taken.
func New(o Options) *Limiter {
	l := &Limiter{place: o.Place, cluster: o.Cluster, kick: make(chan struct{}, 1)}
	if l.place == nil {
		l.place = permits.Private(permits.Limits{API: o.API, LLM: o.LLM, Queue: o.Queue, Patience: o.Patience})
	}
	if l.place.Shared() {
		// Without bells the queue is looked after every permits.Look.
		_ = l.place.Listen(l.rung)
	}
	return l
}

// rung wakes the goroutine that looks after the queue.
func (l *Limiter) rung() {
	if !l.place.Asked() {
		return // for somebody else in the same lane
	}
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// Permit is what an admitted request holds. Release it exactly when the last
// byte of the answer is written; further calls do nothing.
type Permit struct {
	limiter *Limiter
	needs   permits.Needs
	lease   *lease // in the cluster; nil without
	once    sync.Once
}

// Release gives the permit back.
func (p *Permit) Release() {
	p.once.Do(func() {
		if p.lease != nil {
			p.limiter.cluster.release(p.lease)
		}
		p.limiter.put(p.needs)
	})
}

func (l *Limiter) put(n permits.Needs) {
	l.place.Put(n)
	if l.place.Next(0) {
		l.mu.Lock()
		l.walk()
		l.mu.Unlock()
	}
}

// Try takes a permit or returns nil; it never waits.
func (l *Limiter) Try(w Want) *Permit {
	if l.cluster != nil {
		return nil // asking Redis is waiting
	}
	needs := l.place.Needs(w.LLM, w.Key, w.Model)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.takeNew(needs) != permits.Taken {
		return nil
	}
	l.place.Count(permits.Admitted, 1)
	return &Permit{limiter: l, needs: needs}
}

// takeNew takes for a request that has just come. mu is held.
func (l *Limiter) takeNew(n permits.Needs) (blocker int) {
	for _, id := range n.IDs() {
		if l.isBlocked(id) {
			return int(id)
		}
	}
	return l.place.Take(n, permits.Newcomer)
}

// Acquire takes a permit, if need be after queueing for up to the limiter's
// patience. The error is a [Refusal], ErrFull at once or ErrSlow after the
// patience, or the cause of ctx. beat is called now and then from this
// goroutine while it waits, so that waiting does not look like being stuck.
func (l *Limiter) Acquire(ctx context.Context, want Want, beat func()) (*Permit, error) {
	p := &Permit{limiter: l, needs: l.place.Needs(want.LLM, want.Key, want.Model)}
	begin := time.Now()
	if err := l.here(ctx, p, want, beat); err != nil {
		return nil, err
	}
	if l.cluster != nil {
		if err := l.everywhere(ctx, p, want, l.place.Patience()-time.Since(begin), beat); err != nil {
			l.put(p.needs)
			return nil, err
		}
	}
	l.place.Count(permits.Admitted, 1)
	return p, nil
}

// here takes what the place counts.
func (l *Limiter) here(ctx context.Context, p *Permit, want Want, beat func()) error {
	l.mu.Lock()
	blocker := l.takeNew(p.needs)
	if blocker == permits.Taken {
		l.mu.Unlock()
		return nil
	}
	patience := l.place.Patience()
	if patience == 0 || !l.place.Room() {
		l.mu.Unlock()
		l.place.Count(permits.RefusedFull, 1)
		return l.refusal(ErrFull, blocker)
	}
	w := &waiter{ticket: l.place.Ticket(), needs: p.needs, llm: want.LLM, blocker: blocker, granted: make(chan struct{})}
	at := l.enqueue(w)
	l.mu.Unlock()

	begin := time.Now()
	err := l.await(ctx, w, patience, beat)
	l.place.Count(permits.Queued, 1)
	l.place.Count(permits.Waited, uint64(time.Since(begin)))
	if err != nil {
		return l.leave(ctx, w, at, err)
	}
	return nil
}

// everywhere takes what the cluster counts. The request has its permits here
// already, so no more of them ask Redis than the limits say.
func (l *Limiter) everywhere(ctx context.Context, p *Permit, want Want, patience time.Duration, beat func()) (err error) {
	var bounds []bound
	for _, id := range p.needs.IDs() {
		if b := (bound{int(id), l.nameOf(int(id), want), l.place.Limit(int(id))}); b.limit > 0 {
			bounds = append(bounds, b)
		}
	}
	if len(bounds) == 0 {
		return nil
	}
	// Somebody who may not wait asks all the same, once.
	wait := patience > 0 && l.place.Room()
	limit := l.cluster.wait
	if wait {
		limit = max(patience, min(limit, lastAsk)) // of little patience enough is left to ask
	}
	waiting, cancel := context.WithTimeoutCause(ctx, limit, ErrSlow)
	defer cancel()
	p.lease, err = l.cluster.acquire(waiting, bounds, wait, beat)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		l.place.Count(permits.Abandoned, 1)
		return context.Cause(ctx)
	}
	why, blocker := ErrSlow, permits.API
	if held, ok := errors.AsType[*heldUp](err); ok {
		blocker = held.by
		if errors.Is(err, ErrFull) {
			why = ErrFull
		}
	}
	if why == ErrFull { //nolint:errorlint // it is one of two values
		l.place.Count(permits.RefusedFull, 1)
	} else {
		l.place.Count(permits.RefusedSlow, 1)
	}
	return l.refusal(why, blocker)
}

// nameOf is what a limit is called in Redis.
func (l *Limiter) nameOf(id int, want Want) string {
	switch {
	case id == permits.API:
		return "api"
	case id == permits.LLM:
		return "llm"
	case l.place.IsKey(id):
		return "key:" + want.Key
	}
	return "model:" + want.Model
}

// enqueue puts a request at the end of the queue. mu is held.
func (l *Limiter) enqueue(w *waiter) *list.Element {
	if l.queue.Len() == 0 {
		l.place.Answer() // what was rung before concerns nobody any more
		l.place.Tell(permits.Line{Oldest: w.ticket, Waiting: 1})
	}
	at := l.queue.PushBack(w)
	if !w.llm {
		l.plain++
	}
	// Again, now that it can be seen: a permit may have come back in between,
	// and nobody was there to ring for.
	l.walk()
	if l.place.Shared() && !l.tending && l.queue.Len() > 0 {
		l.tending = true
		go l.tend()
	}
	return at
}

// leave takes a request out of the queue that has waited in vain. It returns
// nil when the permit came at the same moment.
func (l *Limiter) leave(ctx context.Context, w *waiter, at *list.Element, why error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-w.granted:
		if ctx.Err() == nil {
			return nil
		}
		l.place.Put(w.needs)
		l.place.Next(0)
	default:
		l.remove(at)
	}
	l.walk()
	switch {
	case ctx.Err() != nil:
		l.place.Count(permits.Abandoned, 1)
		return why
	default:
		l.place.Count(permits.RefusedSlow, 1)
		return l.refusal(why, w.blocker)
	}
}

func (l *Limiter) remove(at *list.Element) {
	if w, _ := l.queue.Remove(at).(*waiter); !w.llm {
		l.plain--
	}
}

func (l *Limiter) refusal(reason error, blocker int) *Refusal {
	r := &Refusal{Reason: reason, Status: l.place.FullStatus(), RetryAfter: retrySoon}
	if r.Status == 0 {
		r.Status = statusFull
	}
	if l.place.IsKey(blocker) {
		r.Status = statusTooMany
	}
	return r
}

// beatEvery is how often a waiting request shows that it is not stuck. It is
// well below any sensible request timeout.
const beatEvery = 100 * time.Millisecond

func (l *Limiter) await(ctx context.Context, w *waiter, limit time.Duration, beat func()) error {
	patience := time.NewTimer(limit)
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
			return ErrSlow
		case <-ticks.C:
			beat()
		}
	}
}

// Heard tells an adaptive limit how an upstream took a call; wait is the time to its
// first bytes, which says something only of a stream.
func (l *Limiter) Heard(crowded, stream bool, wait time.Duration) {
	if !l.place.Adaptive() {
		return
	}
	slow := l.place.Slow()
	l.place.Heard(crowded || stream && slow > 0 && wait > slow)
}

// Load is a snapshot of what this worker has.
type Load struct {
	API, LLM, Waiting int
}

// Load says what is taken and how many wait.
func (l *Limiter) Load() Load {
	return Load{
		API:     l.place.Holds(permits.API),
		LLM:     l.place.Holds(permits.LLM),
		Waiting: l.place.Waiting(),
	}
}
