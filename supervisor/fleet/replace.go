package fleet

import (
	"slices"
	"time"
)

// plan is a replacement that somebody asked for.
type plan struct {
	id     ID // the worker to replace
	reason Reason
	paid   bool // its place in the pace is taken
	failed bool // a successor for it has failed
}

// urgent plans go first and are not paced: the worker does harm where it is.
func (p plan) urgent() bool { return p.reason == ReasonTimeout || p.reason == ReasonRollback }

// swap is the replacement under way, from its choice until the successor is
// ready. There is one in the whole fleet, be it planned or part of a reload.
type swap struct {
	slot   *slot
	config *config // of the successor
	plan   plan
}

func (f *Fleet) swapping(s *slot) bool { return f.swap != nil && f.swap.slot == s }

func (f *Fleet) recycleDue(e RecycleDue) {
	w := f.known(e.ID, "RecycleDue")
	if w == nil {
		return
	}
	switch w.state {
	case StateReady:
		if e.Reason == "" {
			e.Reason = ReasonRequests
		}
		f.enqueue(plan{id: w.id, reason: e.Reason})
	case StateBooting:
		f.refuse(w, "cannot recycle a worker that is not ready yet")
	}
}

func (f *Fleet) stuck(e Stuck) {
	w := f.known(e.ID, "Stuck")
	if w == nil {
		return
	}
	switch w.state {
	case StateReady:
		if f.enqueue(plan{id: w.id, reason: ReasonTimeout}) {
			f.note(NoteTimeout, w, e.Detail)
		}
	case StateBooting:
		f.refuse(w, "cannot be stuck: it is not ready yet")
	}
}

// enqueue adds a plan once per worker; an urgent one takes the place of
// another. It tells whether anything changed.
func (f *Fleet) enqueue(p plan) bool {
	same := func(q plan) bool { return q.id == p.id }
	if f.swap != nil && same(f.swap.plan) {
		if !p.urgent() || f.swap.plan.urgent() {
			return false
		}
		f.swap.plan.reason = p.reason
		return true
	}
	if i := slices.IndexFunc(f.queue, same); i >= 0 {
		if !p.urgent() || f.queue[i].urgent() {
			return false
		}
		f.queue = slices.Delete(f.queue, i, i+1)
	}
	f.insert(p)
	return true
}

// insert keeps the queue in order: urgent ones, then the others, each as they came.
func (f *Fleet) insert(p plan) {
	at := len(f.queue)
	if p.urgent() {
		if i := slices.IndexFunc(f.queue, func(q plan) bool { return !q.urgent() }); i >= 0 {
			at = i
		}
	}
	f.queue = slices.Insert(f.queue, at, p)
}

// startPlan chooses the next replacement. Recycling waits while a reload runs.
func (f *Fleet) startPlan() {
	f.queue = slices.DeleteFunc(f.queue, func(p plan) bool { return f.planned(p) == nil })
	if f.swap != nil || f.reload != nil {
		return
	}
	for i, p := range f.queue {
		s := f.planned(p)
		if s.successor != nil || f.holds(p) || f.now.Before(f.planTime(p, s)) {
			continue
		}
		if !p.urgent() && !p.paid {
			p.paid = true
			f.pace.take(f.now, f.config.policy.RecycleInterval)
		}
		f.queue = slices.Delete(f.queue, i, i+1)
		f.swap = &swap{slot: s, config: s.config, plan: p}
		return
	}
}

// holds tells whether a plan has to wait for the end of a Hold.
func (f *Fleet) holds(p plan) bool { return f.held && !p.urgent() }

// planned returns the slot of a plan, nil if its worker is leaving anyway.
func (f *Fleet) planned(p plan) *slot {
	w := f.find(p.id)
	if w == nil || w.state != StateReady {
		return nil
	}
	return f.place(w)
}

// planTime is the earliest moment for a plan; zero if that is any time.
func (f *Fleet) planTime(p plan, s *slot) time.Time {
	if p.urgent() || p.paid {
		return s.backoff.until
	}
	return later(s.backoff.until, f.pace.next(len(f.slots), f.config.policy.RecycleInterval))
}

// nextPlan is the next moment at which startPlan can choose; zero if only an
// event can bring it.
func (f *Fleet) nextPlan() time.Time {
	var at time.Time
	if f.swap != nil || f.reload != nil {
		return at
	}
	for _, p := range f.queue {
		s := f.planned(p)
		if s == nil || s.successor != nil || f.holds(p) {
			continue
		}
		if t := f.planTime(p, s); at.IsZero() || t.Before(at) {
			at = t
		}
	}
	return at
}

// retryLater takes back the replacement under way, whose successor failed. The
// old worker serves on; the slot's backoff says when to try again.
func (f *Fleet) retryLater() {
	p := f.swap.plan
	f.swap = nil
	p.failed = true
	if f.planned(p) != nil {
		f.insert(p)
	}
}
