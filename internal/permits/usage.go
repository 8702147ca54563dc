package permits

import "time"

// Counter names something that is counted for good; see [Usage].
type Counter int

// The counters.
const (
	Admitted    Counter = iota // requests that got their permits
	Queued                     // of these and the following, those that had to wait
	RefusedFull                // the queue was full
	RefusedSlow                // the wait was too long
	Abandoned                  // it left the queue by itself: client gone, worker drained
	Waited                     // nanoseconds in the queue, all requests together

	counters
)

// Usage is what a board says at one time, for metrics and status.
type Usage struct {
	LimitAPI, LimitLLM int // 0 is none; of each worker or of all, by scope
	EffectiveLLM       int // the sum of all that count for themselves; see [Place.Heard]
	UsedAPI, UsedLLM   int // all workers together
	Waiting, Plain     int // requests that wait, and those of them that need no LLM
	QueueSize          int
	QueueTimeout       time.Duration

	Admitted, Queued, RefusedFull, RefusedSlow, Abandoned uint64 // since the service began
	Waited                                                time.Duration

	Rows []RowUsage
}

// RowUsage is the part of one worker.
type RowUsage struct {
	PID              int
	Scope            Scope
	UsedAPI, UsedLLM int
	Waiting, Plain   int
}

// Usage reads the board. Counters never go back while the board lives, which
// is as long as the service: recycling, reloads and upgrades pass it on.
func (b *Board) Usage() Usage {
	u := Usage{
		LimitAPI: int(b.limit(API)), LimitLLM: int(b.limit(LLM)),
		QueueSize: int(b.head.queue.Load()), QueueTimeout: time.Duration(b.head.patience.Load()),
	}
	var sums [counters]uint64
	host := false
	for i := range b.used() {
		for c := range sums {
			sums[c] += b.rows[i].counted[c].Load()
		}
		r, ok := b.usageOf(i)
		if !ok {
			continue
		}
		u.UsedAPI += r.UsedAPI
		u.UsedLLM += r.UsedLLM
		u.Waiting += r.Waiting
		u.Plain += r.Plain
		if r.Scope == Host {
			host = true
		} else {
			u.EffectiveLLM += int(b.effective(&b.rows[i].tuning))
		}
		u.Rows = append(u.Rows, r)
	}
	if host {
		u.EffectiveLLM += int(b.effective(&b.head.tuning))
	}
	for c := range sums {
		sums[c] += b.head.past[c].Load()
	}
	u.Admitted, u.Queued, u.Abandoned = sums[Admitted], sums[Queued], sums[Abandoned]
	u.RefusedFull, u.RefusedSlow = sums[RefusedFull], sums[RefusedSlow]
	u.Waited = time.Duration(sums[Waited])
	return u
}

func (b *Board) usageOf(at int) (RowUsage, bool) {
	r := &b.rows[at]
	token := r.token.Load()
	if token == 0 {
		return RowUsage{}, false
	}
	u := RowUsage{PID: int(r.pid.Load()), Scope: Scope(r.scope.Load()), Waiting: int(r.waiting.Load()), Plain: int(r.plain.Load())}
	u.UsedAPI, u.UsedLLM = b.holds(at, token, API), b.holds(at, token, LLM)
	return u, true
}

// holds is what a row has of a semaphore.
func (b *Board) holds(at int, token uint64, id int) int {
	if Scope(b.rows[at].scope.Load()) == Host {
		mine, _ := b.semaphore(id).held(at)
		return mine
	}
	own := b.alone[at*Semaphores+id].Load()
	if own>>32 != token {
		return 0
	}
	return int(own & (1<<32 - 1))
}

// Holds returns what the process itself has of a semaphore.
func (p *Place) Holds(id int) int { return p.board.holds(p.seat.Row, p.seat.Token, id) }

// Waiting is how many requests wait in this process.
func (p *Place) Waiting() int { return int(p.board.rows[p.seat.Row].waiting.Load()) }

// waiting counts the waiting requests of all rows of a scope.
func (b *Board) waiting(scope Scope) (n uint64) {
	for i := range b.used() {
		if r := &b.rows[i]; Scope(r.scope.Load()) == scope {
			n += r.waiting.Load()
		}
	}
	return n
}
