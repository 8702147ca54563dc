package fleet

import (
	"fmt"
	"time"
)

// The caller steps at least this often (duty 3), and may be late by as much.
const (
	stepEvery = time.Second
	stepLate  = time.Second
)

// advance moves the clock. A step that comes much later than it was due means
// that this very process did not run: stopped, or its machine was. What it
// did not see it must not judge, so every deadline moves by the time lost and
// silence is counted anew. Waits that harm nobody (backoff, pace) are not moved.
func (f *Fleet) advance(now time.Time) {
	if now.Before(f.now) {
		now = f.now
	}
	last := f.now
	due := last.Add(stepEvery)
	if at, ok := f.Wake(); ok {
		due = later(earlier(due, at), last)
	}
	f.now = now
	lost := now.Sub(due)
	if lost <= stepLate || len(f.workers) == 0 {
		return
	}
	f.note(NoteSlept, nil, fmt.Sprintf("the master did not run for %s; deadlines moved", lost.Round(time.Millisecond)))
	for _, w := range f.workers {
		if !w.deadline.IsZero() {
			w.deadline = w.deadline.Add(lost)
		}
		if w.state == StateDraining {
			w.since = w.since.Add(lost) // the streams' budget counts from here
		}
		w.floor = now
	}
}

// Wake returns the next moment at which a [Tick] is needed; false if only an
// event can change anything.
func (f *Fleet) Wake() (time.Time, bool) {
	var at time.Time
	need := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, w := range f.workers {
		need(w.deadline)
	}
	if f.phase == PhaseServing {
		for _, s := range f.slots {
			if s.successor == nil && f.vacant(s) {
				need(s.backoff.until)
			}
		}
		need(f.nextPlan())
	}
	return at, !at.IsZero()
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
