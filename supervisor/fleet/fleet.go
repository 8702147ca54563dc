package fleet

import (
	"fmt"
	"time"
)

// Fleet is the state of all workers of one master. Use [New]. Not safe for
// concurrent use; no method blocks.
type Fleet struct {
	now time.Time // of the step under way, or of the last one
	out []Action  // of the step under way

	phase   Phase
	config  *config // the committed generation
	slots   []*slot // by index
	workers []*worker
	lastID  ID

	swap   *swap   // the one replacement under way
	queue  []plan  // replacements that wait for their turn
	pace   pace    // of planned replacements
	reload *reload // the transaction under way

	held      bool // planned replacements wait
	everReady bool // some worker became ready in this master's life
	up        bool // Up was said
	quick     bool // the stop is a quick one
	exit      Exit // how to leave when the last worker is gone
}

// config is one generation's policy. It is compared by identity, because the
// number of a generation that failed may be given to the next attempt.
type config struct {
	generation Generation
	policy     Policy
}

// New returns a fleet that waits for [Start].
func New() *Fleet { return &Fleet{phase: PhaseNew} }

// Step takes one event and returns what has to be done about it, in order. The
// caller owns the returned slice.
func (f *Fleet) Step(now time.Time, e Event) []Action {
	f.out = nil
	f.advance(now)
	f.handle(e) // before the deadlines: a death that arrives just in time needs no kill
	f.expire()
	f.settle()
	out := f.out
	f.out = nil
	return out
}

func (f *Fleet) handle(e Event) {
	if why := f.phase.refuses(e); why != "" {
		f.refuse(nil, fmt.Sprintf("%T: %s", e, why))
		return
	}
	switch e := e.(type) {
	case Start:
		f.start(e)
	case Ready:
		f.ready(e)
	case SpawnFailed:
		f.spawnFailed(e)
	case Exited:
		f.exited(e)
	case RecycleDue:
		f.recycleDue(e)
	case Stuck:
		f.stuck(e)
	case Sampled:
		f.sampled(e)
	case Reload:
		f.beginReload(e)
	case Scale:
		f.scale(e)
	case Park:
		f.park()
	case Hold:
		f.held = e.On
	case Stop:
		f.stop(e)
	case Tick:
	}
}

// settle starts whatever the state now asks for. It looks at the state alone,
// never at the event, so nothing is forgotten when two things happen at once.
func (f *Fleet) settle() {
	switch f.phase {
	case PhaseServing:
		f.advanceReload()
		f.startPlan()
		for _, s := range f.slots {
			f.fill(s)
		}
		f.announceUp()
	case PhaseStopping:
		if len(f.workers) == 0 {
			f.phase = PhaseExited
			f.emit(f.exit)
		}
	}
}

func (f *Fleet) start(e Start) {
	if e.Policy.Workers < 1 {
		f.refuse(nil, fmt.Sprintf("cannot start %d workers: one is the least", e.Policy.Workers))
		return
	}
	f.config = &config{generation: e.Generation, policy: e.Policy}
	f.phase = PhaseServing
	f.grow(e.Policy.Workers, f.config)
}

func (f *Fleet) announceUp() {
	if f.up || f.readySlots() < len(f.slots) {
		return
	}
	f.up = true
	f.emit(Up{})
}

// readySlots counts the slots that have a ready worker.
func (f *Fleet) readySlots() int {
	n := 0
	for _, s := range f.slots {
		if s.served() {
			n++
		}
	}
	return n
}

func (f *Fleet) emit(a Action) { f.out = append(f.out, a) }

func (f *Fleet) note(kind NoteKind, w *worker, detail string) {
	n := Note{Kind: kind, Detail: detail}
	if w != nil {
		n.ID, n.Slot = w.id, w.slot
	}
	f.emit(n)
}

func (f *Fleet) refuse(w *worker, why string) { f.note(NoteRefused, w, why) }
