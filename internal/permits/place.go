package permits

import (
	"math"
	"slices"
	"time"
)

// Place is a process's side of the board. Its methods may be called by many
// goroutines at once, except where said.
type Place struct {
	board *Board
	seat  Seat
	host  bool

	private bool
}

// Place returns the side of the process that was given the seat.
func (b *Board) Place(s Seat) *Place {
	return &Place{board: b, seat: s, host: Scope(b.rows[s.Row].scope.Load()) == Host}
}

// Shared says that other processes see the board, and may ring.
func (p *Place) Shared() bool { return !p.private }

// Needs are the permits of one request, which takes all of them or none. They
// are listed with the scarcest first, so that little is taken in vain.
type Needs struct {
	ids [4]int16
	n   int8
}

// IDs lists the semaphores.
func (n *Needs) IDs() []int16 { return n.ids[:n.n] }

func (n *Needs) add(id int) {
	n.ids[n.n] = int16(id)
	n.n++
}

// In says whether a semaphore of the list is needed.
func (n *Needs) In(list []int16) bool {
	for _, id := range n.IDs() {
		if slices.Contains(list, id) {
			return true
		}
	}
	return false
}

// Needs returns what a request has to take: llm is whether it calls an LLM;
// empty names are none.
func (p *Place) Needs(llm bool, key, model string) (n Needs) {
	b := p.board
	if key != "" {
		p.named(&n, keyName, key, b.head.perKey.Load())
	}
	if model != "" {
		p.named(&n, modelName, model, b.head.perModel.Load())
	}
	if llm {
		n.add(LLM)
	}
	n.add(API)
	return n
}

// named adds the semaphore of a name if it has a limit.
func (p *Place) named(n *Needs, kind nameKind, name string, byDefault uint64) {
	if byDefault == 0 && p.board.head.named.Load() == 0 {
		return
	}
	id := p.board.find(kind, name, byDefault != 0)
	if id < 0 && byDefault != 0 {
		id = overflow + int(kind)
	}
	if id >= 0 && p.board.limit(id) != 0 {
		n.add(id)
	}
}

// Newcomer is the ticket of a request that has not queued: everybody who waits is older.
const Newcomer = math.MaxUint64

// Taken is what [Place.Take] returns when it took.
const Taken = -1

// Take takes all that is needed, and returns Taken, or takes nothing and
// returns the semaphore that is full, or whose turn is somebody else's.
func (p *Place) Take(n Needs, ticket uint64) (blocker int) {
	for _, id := range n.IDs() {
		if p.full(int(id)) {
			return int(id)
		}
	}
	for _, id := range n.IDs() {
		if p.host && id < firstNamed {
			if at := p.board.elder(p.seat.Row, ticket, int(id)); at >= 0 {
				p.board.ring(at)
				return int(id)
			}
		}
	}
	for i, id := range n.IDs() {
		if p.takeOne(int(id)) {
			continue
		}
		if i > 0 { // for a moment, others may have found it full
			n.n = int8(i)
			p.Put(n)
			p.board.next(0, p.seat.Row)
		}
		return int(id)
	}
	return Taken
}

// Put returns all that was taken. Call [Place.Next] afterwards.
func (p *Place) Put(n Needs) {
	for i := range slices.Backward(n.IDs()) {
		p.putOne(int(n.ids[i]))
	}
}

func (p *Place) own(id int) *word { return &p.board.alone[p.seat.Row*Semaphores+id] }

// ownCount is what this process counts for itself. What another occupant of
// the row left there does not count.
func (p *Place) ownCount(id int) (old, count uint64) {
	old = p.own(id).Load()
	if old>>32 != p.seat.Token {
		return old, 0
	}
	return old, old & (1<<32 - 1)
}

func (p *Place) full(id int) bool {
	if p.host {
		return p.board.semaphore(id).full()
	}
	limit := p.limitOf(id)
	_, count := p.ownCount(id)
	return limit != 0 && count >= limit
}

func (p *Place) takeOne(id int) bool {
	if p.host {
		return p.board.semaphore(id).take(p.seat.Row)
	}
	for {
		old, count := p.ownCount(id)
		if limit := p.limitOf(id); limit != 0 && count >= limit {
			return false
		}
		if p.own(id).CompareAndSwap(old, p.seat.Token<<32|(count+1)) {
			return true
		}
	}
}

func (p *Place) putOne(id int) {
	if p.host {
		p.board.semaphore(id).put(p.seat.Row)
		return
	}
	for {
		old, count := p.ownCount(id)
		if p.own(id).CompareAndSwap(old, p.seat.Token<<32|(count-1)) {
			return
		}
	}
}

// Ticket draws a place in the queue of all.
func (p *Place) Ticket() uint64 { return p.board.head.ticket.Add(1) }

// Line is what a process tells of its queue: tickets are 0 for none.
type Line struct {
	Oldest  uint64    // of all
	Blocked [2]uint64 // the oldest that waits for API, and for LLM
	Waiting int
	Plain   int // of these, how many need no LLM
}

// Tell publishes the queue. One goroutine at a time.
func (p *Place) Tell(l Line) {
	r := &p.board.rows[p.seat.Row]
	r.oldest.Store(l.Oldest)
	r.blocked[API].Store(l.Blocked[API])
	r.blocked[LLM].Store(l.Blocked[LLM])
	r.waiting.Store(uint64(l.Waiting))
	r.plain.Store(uint64(l.Plain))
}

// Answer says that the bell was heard. Serve the queue afterwards, not before.
func (p *Place) Answer() {
	r := &p.board.rows[p.seat.Row]
	r.seen.Store(r.asked.Load())
}

// Asked says that somebody rang for this process and has got no answer.
func (p *Place) Asked() bool {
	r := &p.board.rows[p.seat.Row]
	return r.seen.Load() != r.asked.Load()
}

// Next passes on what is free: to the process whose oldest waiter is the
// first after a ticket. It returns true when that is the caller's own.
func (p *Place) Next(after uint64) (mine bool) {
	if !p.host {
		return p.board.rows[p.seat.Row].oldest.Load() > after
	}
	if p.full(API) {
		return false
	}
	return p.board.next(after, p.seat.Row) == p.seat.Row
}

// Room says whether one more request may wait.
func (p *Place) Room() bool {
	waiting := p.board.rows[p.seat.Row].waiting.Load()
	if p.host {
		waiting = p.board.waiting(Host)
	}
	return waiting < p.board.head.queue.Load()
}

// Limit returns a semaphore's configured limit; 0 is none.
func (p *Place) Limit(id int) int { return int(p.board.limit(id)) }

// IsKey says that a semaphore is one of a client key.
func (p *Place) IsKey(id int) bool {
	return id >= firstNamed && nameKind(p.board.cells[id].name.Load()&1) == keyName
}

// Slow is how long an upstream may take to its first byte before that counts as a
// sign of too many calls; 0 is no such limit.
func (p *Place) Slow() time.Duration { return time.Duration(p.board.head.slow.Load()) }

// Patience is how long a request may wait.
func (p *Place) Patience() time.Duration { return time.Duration(p.board.head.patience.Load()) }

// FullStatus is the HTTP status of a refusal; 0 is not set.
func (p *Place) FullStatus() int { return int(p.board.head.fullStatus.Load()) }

// Count adds to one of the process's counters.
func (p *Place) Count(c Counter, n uint64) { p.board.rows[p.seat.Row].counted[c].Add(n) }
