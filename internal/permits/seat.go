package permits

// Scope says whom a process counts with.
type Scope uint64

// The scopes.
const (
	Alone Scope = 1 // each process for itself
	Host  Scope = 2 // all processes on the board together
)

// Seat is a row given to one process. Its token tells it from any later one
// in the same row.
type Seat struct {
	Row   int
	Token uint64
}

// Assign gives a free row to a process that is about to start; ok is false
// when all are taken. It is the master's, like all of this file; two masters may
// share a board.
func (b *Board) Assign(scope Scope) (_ Seat, ok bool) {
	token := b.head.tokens.Add(1) & (1<<32 - 1)
	if token == 0 {
		token = b.head.tokens.Add(1) & (1<<32 - 1)
	}
	for i := range b.rows {
		r := &b.rows[i]
		if r.token.Load() != 0 || !r.token.CompareAndSwap(0, token) {
			continue
		}
		r.scope.Store(uint64(scope))
		r.tuning.value.Store(0)
		r.tuning.heard.Store(0)
		raise(&b.head.touched, uint64(i+1))
		return Seat{Row: i, Token: token}, true
	}
	return Seat{}, false
}

// Occupy says which process sits there: its pid and when it started, see
// sys.ProcessStart.
func (b *Board) Occupy(s Seat, pid int, start uint64) {
	r := &b.rows[s.Row]
	r.start.Store(start)
	r.pid.Store(uint64(pid))
}

// Free takes a seat back from a process that is dead, returns its permits to
// the others and rings for them. It returns how many requests they were of, and
// does nothing if that was done before.
func (b *Board) Free(s Seat) (requests int) {
	r := &b.rows[s.Row]
	still := func() bool { return r.token.Load() == s.Token }
	if !still() {
		return 0
	}
	// Nobody waits there any more, whoever looks.
	r.oldest.Store(0)
	r.blocked[API].Store(0)
	r.blocked[LLM].Store(0)
	r.waiting.Store(0)
	r.plain.Store(0)
	if Scope(r.scope.Load()) == Host {
		for id := range b.names() {
			if n := b.semaphore(id).reap(s.Row, still); id == API {
				requests = n // every request has one
			}
		}
	}
	for i := range r.counted {
		// Swap, so that of two masters only one adds it.
		b.head.past[i].Add(r.counted[i].Swap(0))
	}
	r.pid.Store(0)
	r.start.Store(0)
	r.seen.Store(r.asked.Load())
	r.token.CompareAndSwap(s.Token, 0)
	b.Rouse()
	return requests
}

// Sitting calls f for each seat with a known process.
func (b *Board) Sitting(f func(s Seat, pid int, start uint64)) {
	for i := range b.used() {
		r := &b.rows[i]
		token, pid, start := r.token.Load(), r.pid.Load(), r.start.Load()
		if token != 0 && pid != 0 {
			f(Seat{Row: i, Token: token}, int(pid), start)
		}
	}
}

// used is one more than the highest row that ever was.
func (b *Board) used() int { return int(min(b.head.touched.Load(), uint64(len(b.rows)))) }
