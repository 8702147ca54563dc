// Package journal remembers what happened to the service lately: a bounded
// list of events with numbers that only grow, for the control socket, the
// dashboard and whoever follows along.
package journal

import (
	"slices"
	"sync"
	"time"

	"github.com/webchasor/webchasor/internal/control"
)

// Room is how many events are kept: an operator's night, not an archive. The
// log is the archive.
const Room = 1000

// Journal keeps the newest events. All methods may be called from any
// goroutine and none waits for a reader.
type Journal struct {
	mu      sync.Mutex
	events  []control.Event // the oldest first
	last    uint64          // number of the newest
	dropped uint64          // number of the newest that was forgotten
	changed chan struct{}   // closed at the next event
}

// New returns an empty journal.
func New() *Journal { return &Journal{changed: make(chan struct{})} }

// Add appends an event, numbers it, and dates it unless it has a time already.
func (j *Journal) Add(e control.Event) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	e.Seq = j.last
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	j.append(e)
	close(j.changed)
	j.changed = make(chan struct{})
	return e.Seq
}

func (j *Journal) append(e control.Event) {
	if len(j.events) == Room {
		j.dropped = j.events[0].Seq
		j.events = slices.Delete(j.events, 0, 1)
	}
	j.events = append(j.events, e)
}

// Since returns the events after number seq, and a channel that is closed when
// there is one more.
func (j *Journal) Since(seq uint64) (control.Events, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	// A number from the future belongs to another service, or to a master
	// that was killed: everything is new then.
	if seq > j.last {
		seq = 0
	}
	at, _ := slices.BinarySearchFunc(j.events, seq+1, func(e control.Event, want uint64) int {
		if e.Seq < want {
			return -1
		}
		return 1
	})
	return control.Events{
		Events: append([]control.Event{}, j.events[at:]...),
		Missed: seq < j.dropped,
		Seq:    j.last,
	}, j.changed
}

// Seq is the number of the newest event.
func (j *Journal) Seq() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// Inherit begins with the events of the master before. The numbers leave a
// gap for what that one may still add to its own copy.
func (j *Journal) Inherit(events []control.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	own := j.events
	j.events, j.last = nil, 0
	for _, e := range events {
		if e.Seq > j.last {
			j.last = e.Seq
			j.append(e)
		}
	}
	j.last += Room
	for _, e := range own {
		j.last++
		e.Seq = j.last
		j.append(e)
	}
}
