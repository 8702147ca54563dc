package scoreboard

import (
	"sync/atomic"
	"time"
)

// States of an entry.
const (
	entryFree   = 0
	entryIdle   = 1 // a connection without a request
	entryActive = 2
	entryStuck  = 3 // its request timed out and the handler has not returned
)

// Parts of record.control.
const (
	stateMask     = 0xff
	flagStreaming = 1 << 8
	flagDescribed = 1 << 9 // method and path belong to this request
	flagAnswered  = 1 << 10
	flagTooSlow   = 1 << 11 // answered with 408, not 503
	sequence      = 1 << 16
)

// Entry is one connection's line in the table, acquired from a [Board].
//
// Open, Confirm, Rename, Begin, Describe, End, Hijack and Release belong to the connection's owner, one
// call at a time. Progress, Stream, MarkAnswered and MarkStuck may come from other goroutines meanwhile.
// Times are [sys.Monotonic] or a [sys.Clock]'s.
type Entry struct {
	head *header
	rec  *record
	held atomic.Bool
}

// Open enters a connection in the table, idle since now. Who dies from then on is
// known to have held it; it counts as held once it is the worker's for certain, see [Entry.Confirm].
func (e *Entry) Open(client string, now time.Duration) {
	r := e.rec
	r.control.Store(r.control.Load()&^(sequence-1) + sequence | entryIdle)
	n := pack(r.client[:], view8(client))
	r.lengths.Store(uint64(n) << 24)
	r.last.Store(uint64(now))
	r.control.Add(sequence)
}

// Confirm counts the connection among those ever held, once.
func (e *Entry) Confirm() { e.head.opened.Add(1) }

// Rename says who the client is, once somebody has told it.
func (e *Entry) Rename(client string) {
	r := e.rec
	r.control.Add(sequence)
	n := pack(r.client[:], view8(client))
	r.lengths.Store(r.lengths.Load()&0xffffff | uint64(n)<<24)
	r.control.Add(sequence)
}

// Begin begins a request. Ids are the caller's and unique in the worker.
func (e *Entry) Begin(id uint64, start time.Duration) {
	r := e.rec
	old := r.control.Load()
	// Idle while the identity changes: MarkStuck and Stream leave an idle
	// entry alone, so they cannot hit the next request with the last one's id.
	next := old&^(sequence-1) + sequence
	r.control.Store(next | entryIdle)
	r.id.Store(id)
	r.start.Store(uint64(start))
	r.last.Store(uint64(start))
	if r.bytes.Load() != 0 {
		r.bytes.Store(0)
	}
	r.control.Store(next + sequence | entryActive)
	if !busy(old) {
		e.head.inFlight.Add(1)
	} else if old&flagStreaming != 0 {
		e.head.streams.Add(-1)
	}
}

// Describe names the request under way; text that is too long is cut. Give
// the path without its query: what is in it may be secret, and ends up in logs.
func (e *Entry) Describe(method, path string) {
	e.describe(view8(method), view8(path))
}

// DescribeBytes is [Entry.Describe] for text that must not be kept.
func (e *Entry) DescribeBytes(method, path []byte) {
	e.describe(method, path)
}

func (e *Entry) describe(method, path []byte) {
	r := e.rec
	method, path = method[:min(len(method), MethodLen)], path[:min(len(path), PathLen)]
	old := r.lengths.Load()
	lengths := old&^0xffffff | uint64(len(path))<<8 | uint64(len(method))
	// The same request again is the common case on a keep-alive connection.
	if lengths == old && packed(r.method[:], method) && packed(r.path[:], path) {
		r.control.Or(flagDescribed)
		return
	}
	r.control.Add(sequence)
	pack(r.method[:], method)
	pack(r.path[:], path)
	r.lengths.Store(lengths)
	r.control.Or(flagDescribed)
	r.control.Add(sequence)
}

// Progress says that the request moved: bytesOut of its response have gone out so far.
func (e *Entry) Progress(now time.Duration, bytesOut uint64) {
	e.rec.last.Store(uint64(now))
	if e.rec.bytes.Load() != bytesOut {
		e.rec.bytes.Store(bytesOut)
	}
}

// Stream marks the request under way as a stream, until its End.
func (e *Entry) Stream() {
	for {
		old := e.rec.control.Load()
		if !busy(old) || old&flagStreaming != 0 {
			return
		}
		if e.rec.control.CompareAndSwap(old, old|flagStreaming) {
			e.head.streams.Add(1)
			return
		}
	}
}

// Hijack ends the request because the application took the connection for
// itself: from now until Release it is counted among the streams, and not in flight.
func (e *Entry) Hijack(now time.Duration) {
	e.End(now)
	if old := e.rec.control.Or(flagStreaming); old&flagStreaming == 0 {
		e.head.streams.Add(1)
	}
}

// MarkAnswered says that request id got its answer, 503 or 408, although its
// handler has not returned; nothing if it is over by now.
func (e *Entry) MarkAnswered(id uint64, status int) {
	mark := uint64(flagAnswered)
	if status == tooSlow {
		mark |= flagTooSlow
	}
	for {
		old := e.rec.control.Load()
		if !busy(old) || e.rec.id.Load() != id || e.rec.control.CompareAndSwap(old, old|mark) {
			return
		}
	}
}

// MarkStuck marks request id as stuck; false if it is over by now.
func (e *Entry) MarkStuck(id uint64) bool {
	for {
		old := e.rec.control.Load()
		if !busy(old) || e.rec.id.Load() != id {
			return false
		}
		// Fails if the request changed since: its sequence did.
		if e.rec.control.CompareAndSwap(old, old&^stateMask|entryStuck) {
			return true
		}
	}
}

// End ends the request: the connection is idle since now.
func (e *Entry) End(now time.Duration) {
	e.rec.last.Store(uint64(now))
	e.leave(entryIdle)
}

// leave ends what is under way and keeps the gauges right.
func (e *Entry) leave(state uint64) {
	r := e.rec
	old := r.control.Load()
	old = r.control.Swap(old&^(sequence-1) + 2*sequence | state)
	if busy(old) {
		e.head.inFlight.Add(-1)
	}
	if old&flagStreaming != 0 {
		e.head.streams.Add(-1)
	}
}

func busy(control uint64) bool {
	s := control & stateMask
	return s == entryActive || s == entryStuck
}
