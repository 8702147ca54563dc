package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// State is where a worker is in its life.
type State string

// The states, in the order of a life.
const (
	StateBooting  State = "booting"  // spawned, not ready
	StateReady    State = "ready"    // accepts connections
	StateDraining State = "draining" // told to finish (or to quit)
	StateAborting State = "aborting" // asked for its stacks
	StateKilled   State = "killed"   // SIGKILL was sent
	StateGone     State = "gone"     // reaped
)

// worker is one incarnation, from Spawn to Exited.
type worker struct {
	id     ID
	slot   int // index; also of one that has left the slot
	config *config
	state  State
	reason Reason // why it has to go
	since  time.Time
	// deadline of the state: ready in time, drained in time, dumped in time,
	// dead in time. A ready worker has one only while it hangs.
	deadline time.Time
	readyAt  time.Time

	live  Liveness
	beat  time.Time // latest heartbeat seen
	floor time.Time // silence is not counted from before this moment

	streams  int  // at the latest reading
	heavy    int  // samples above max_memory in a row
	extended bool // it drains on the streams' budget
	quit     bool // it drains by Quit
}

// transition is the only place that changes a state. Nothing comes back to
// life and nothing skips its boot; the rest may be cut short.
func (w *worker) transition(to State, now time.Time) error {
	possible := false
	//exhaustive:enforce
	switch w.state {
	case StateBooting:
		possible = to == StateReady || to == StateAborting || to == StateKilled || to == StateGone
	case StateReady:
		possible = to == StateDraining || to == StateAborting || to == StateKilled || to == StateGone
	case StateDraining:
		possible = to == StateAborting || to == StateKilled || to == StateGone
	case StateAborting:
		possible = to == StateKilled || to == StateGone
	case StateKilled:
		possible = to == StateGone
	case StateGone:
	}
	if !possible {
		return fmt.Errorf("worker %d cannot become %s: it is %s", w.id, to, w.state)
	}
	w.state, w.since, w.deadline = to, now, time.Time{}
	return nil
}

// move makes a transition, or notes that it is impossible.
func (f *Fleet) move(w *worker, to State) bool {
	if err := w.transition(to, f.now); err != nil {
		f.refuse(w, err.Error())
		return false
	}
	return true
}

// find returns the living worker of an ID, or nil.
func (f *Fleet) find(id ID) *worker {
	// IDs only grow and new workers are appended, so the list is sorted.
	i, ok := slices.BinarySearchFunc(f.workers, id, func(w *worker, id ID) int { return cmp.Compare(w.id, id) })
	if !ok {
		return nil
	}
	return f.workers[i]
}

// known is find for events about a worker. A worker that lived once and is
// gone is an ordinary race and passes silently; one that never was is a fault.
func (f *Fleet) known(id ID, event string) *worker {
	w := f.find(id)
	if w == nil && (id == 0 || id > f.lastID) {
		f.refuse(nil, fmt.Sprintf("%s: there never was a worker %d", event, id))
	}
	return w
}

func (f *Fleet) forget(w *worker) {
	f.workers = slices.DeleteFunc(f.workers, func(o *worker) bool { return o == w })
}
