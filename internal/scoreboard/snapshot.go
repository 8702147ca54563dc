package scoreboard

import (
	"math"
	"sync/atomic"
	"time"
)

// Counters only grow while a worker lives.
type Counters struct {
	// ByClass counts finished requests by the first digit of the status; 0 is without one.
	ByClass  [6]uint64
	BytesOut uint64
	Timeouts uint64
	Panics   uint64
	Lost     uint64 // requests that never got an answer
}

// Requests is the number of finished requests.
func (c Counters) Requests() uint64 {
	var n uint64
	for _, k := range c.ByClass {
		n += k
	}
	return n
}

// Snapshot is one look at a board. Its fields are read one after the other, so they may differ by what happened meanwhile.
type Snapshot struct {
	PID         int
	Slot        int
	Generation  uint64
	Incarnation uint64
	State       State
	Beat        time.Duration // last heartbeat, sys.Monotonic; 0 before the first
	Connections int
	Opened      uint64 // connections ever held, those taken over included
	InFlight    int    // requests under way, streamed responses included
	Streams     int    // streamed responses, and connections that the application took for itself
	Counters    Counters
}

// Snapshot reads the board. It may be called while the worker runs and after its death.
func (b *Board) Snapshot() Snapshot {
	h := b.head
	s := Snapshot{
		PID:         bounded(h.pid.Load(), math.MaxInt32),
		Slot:        bounded(h.slot.Load(), math.MaxInt32),
		Generation:  h.generation.Load(),
		Incarnation: h.incarnation.Load(),
		State:       State(min(h.state.Load(), math.MaxUint8)),
		Beat:        duration(h.beat.Load()),
		Connections: b.gauge(&h.connections),
		Opened:      h.opened.Load(),
		InFlight:    b.gauge(&h.inFlight),
		Streams:     b.gauge(&h.streams),
		Counters: Counters{
			BytesOut: h.bytesOut.Load(),
			Timeouts: h.timeouts.Load(),
			Panics:   h.panics.Load(),
			Lost:     h.lost.Load(),
		},
	}
	for i := range s.Counters.ByClass {
		s.Counters.ByClass[i] = h.classes[i].Load()
	}
	return s
}

// gauge cannot exceed the table, whatever the block says.
func (b *Board) gauge(g *atomic.Int64) int {
	return int(min(max(g.Load(), 0), int64(len(b.table))))
}

func bounded(v uint64, limit int) int { return int(min(v, uint64(limit))) }

func duration(v uint64) time.Duration { return time.Duration(min(v, math.MaxInt64)) }
