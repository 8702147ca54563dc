package scoreboard

import (
	"cmp"
	"slices"
	"time"
)

// Request is one request under way, or under way when its worker died.
type Request struct {
	Index     int // of the entry
	ID        uint64
	Age       time.Duration // since its start
	Quiet     time.Duration // since its last progress
	BytesOut  uint64        // of the response; 0 means that it has not begun
	Streaming bool
	Stuck     bool
	// Answered is the status of the watchdog's answer, while the handler has not
	// returned: 503, or 408 for a client that was too slow. 0 is none.
	Answered int
	// Torn: the entry was being written when it was read, or when its writer
	// was killed. Its fields may belong to two requests.
	Torn   bool
	Method string // "" until the request was parsed
	Path   string
	Client string
}

// InFlight lists the requests under way at now, the oldest first. Only entries
// that were ever used are looked at.
func (b *Board) InFlight(now time.Duration) []Request {
	var list []Request
	for i := range b.used() {
		if r, ok := b.table[i].read(now); ok {
			r.Index = i
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b Request) int {
		return cmp.Or(cmp.Compare(b.Age, a.Age), cmp.Compare(a.Index, b.Index))
	})
	return list
}

// Idle lists the clients of the connections without a request, at most limit of
// them; all is how many such connections there are.
func (b *Board) Idle(limit int) (clients []string, all int) {
	used := min(b.head.touched.Load(), uint64(len(b.table)))
	for i := range b.table[:used] {
		r := &b.table[i]
		if r.control.Load()&stateMask != entryIdle {
			continue
		}
		if all++; all <= limit {
			clients = append(clients, unpack(r.client[:], r.lengths.Load()>>24&0xff))
		}
	}
	return clients, all
}

// A reader that meets a writer tries again; a dead writer never finishes.
const readAttempts = 4

// read copies the record if it is busy.
func (r *record) read(now time.Duration) (req Request, ok bool) {
	for range readAttempts {
		before := r.control.Load()
		if !busy(before) {
			return Request{}, false
		}
		req = r.copy(before, now)
		if whole(before, r.control.Load()) {
			return req, true
		}
	}
	req.Torn = true
	return req, true
}

// whole says whether nothing of identity and text was written between two
// looks at record.control. Flags and state may have changed.
func whole(before, after uint64) bool {
	return before&sequence == 0 && before/sequence == after/sequence
}

func (r *record) copy(control uint64, now time.Duration) Request {
	lengths := r.lengths.Load()
	req := Request{
		ID:        r.id.Load(),
		Age:       since(now, r.start.Load()),
		Quiet:     since(now, r.last.Load()),
		BytesOut:  r.bytes.Load(),
		Streaming: control&flagStreaming != 0,
		Stuck:     control&stateMask == entryStuck,
		Answered:  answer(control),
		Client:    unpack(r.client[:], lengths>>24&0xff),
	}
	if control&flagDescribed != 0 {
		req.Method = unpack(r.method[:], lengths&0xff)
		req.Path = unpack(r.path[:], lengths>>8&0xffff)
	}
	return req
}

// Answers of the watchdog.
const (
	tooSlow  = 408
	timedOut = 503
)

func answer(control uint64) int {
	switch {
	case control&flagAnswered == 0:
		return 0
	case control&flagTooSlow != 0:
		return tooSlow
	}
	return timedOut
}

// since is never negative: the writer's clock reading may be newer than ours.
func since(now time.Duration, then uint64) time.Duration {
	return max(now-duration(then), 0)
}
