package fleet

import "time"

// View is a plain copy of the state, for status pages and tests.
type View struct {
	Phase      Phase
	Generation Generation // the committed one
	Policy     Policy     // of that generation; len(Slots) is the number of workers wanted
	Ready      int        // slots with a ready worker
	Slots      []SlotView
	Leaving    []WorkerView // workers without a slot: they drain or are being killed
	Replacing  []PlanView   // the replacement under way, if any, then those that wait
}

// SlotView is one slot. Current and Successor are nil where there is none.
type SlotView struct {
	Index      int
	Generation Generation // of its next worker
	Current    *WorkerView
	Successor  *WorkerView
	Failures   int       // early deaths in a row
	Until      time.Time // no respawn before; zero if it need not wait
}

// WorkerView is one worker.
type WorkerView struct {
	ID         ID
	Slot       int
	Generation Generation
	State      State
	Liveness   Liveness
	Reason     Reason    // why it has to go; empty while it may stay
	Since      time.Time // of State
	ReadyAt    time.Time // zero if it never was
	Deadline   time.Time // of State; zero if there is none
	Streams    int       // at the latest reading
}

// PlanView is one replacement that was asked for.
type PlanView struct {
	ID     ID // of the worker to replace; 0 for an empty slot
	Reason Reason
	Active bool
}

// View returns a copy that stays valid after the next Step.
func (f *Fleet) View() View {
	v := View{Phase: f.visible(), Ready: f.readySlots()}
	if f.config != nil {
		v.Generation, v.Policy = f.config.generation, f.config.policy
	}
	for _, s := range f.slots {
		v.Slots = append(v.Slots, SlotView{
			Index: s.index, Generation: s.config.generation,
			Current: s.current.view(), Successor: s.successor.view(),
			Failures: s.backoff.failures, Until: s.backoff.until,
		})
	}
	for _, w := range f.workers {
		if f.place(w) == nil {
			v.Leaving = append(v.Leaving, *w.view())
		}
	}
	if f.swap != nil {
		v.Replacing = append(v.Replacing, PlanView{ID: f.swap.plan.id, Reason: f.swap.plan.reason, Active: true})
	}
	for _, p := range f.queue {
		v.Replacing = append(v.Replacing, PlanView{ID: p.id, Reason: p.reason})
	}
	return v
}

// Slots is the number of workers wanted.
func (f *Fleet) Slots() int { return len(f.slots) }

func (w *worker) view() *WorkerView {
	if w == nil {
		return nil
	}
	return &WorkerView{
		ID: w.id, Slot: w.slot, Generation: w.config.generation,
		State: w.state, Liveness: w.live, Reason: w.reason,
		Since: w.since, ReadyAt: w.readyAt, Deadline: w.deadline, Streams: w.streams,
	}
}
