package fleet

import (
	"fmt"
	"slices"
	"sort"
	"testing"
	"time"
)

var epoch = time.Unix(1_000_000, 0)

// testPolicy has short, different limits, so that a test can tell them apart.
func testPolicy(workers int) Policy {
	return Policy{
		Workers:         workers,
		BootTimeout:     2 * time.Second,
		Timeout:         4 * time.Second,
		SuspectAfter:    time.Second,
		GracefulTimeout: 3 * time.Second,
		StreamTimeout:   10 * time.Second,
		RecycleInterval: time.Second,
		QuickTimeout:    time.Second,
		AbortBudget:     1500 * time.Millisecond,
		KillMargin:      500 * time.Millisecond,
	}
}

// proc is what the rig knows of a worker process.
type proc struct {
	id      ID
	slot    int
	gen     Generation
	silent  time.Time // zero: it beats
	streams int
	memory  int64
	booting bool
}

type timed struct {
	at time.Time
	e  Event
}

// rig is a shell without processes: it carries out actions on paper, samples
// every 250 ms, sends ticks on time and checks what must always hold.
type rig struct {
	t       testing.TB
	f       *Fleet
	now     time.Time
	sampled time.Time
	procs   map[ID]*proc
	pending []timed // what the world will do, by time
	react   func(Action)
	roll    func() float64
	laxWake bool // deadlines of zero length are in play

	said     []Action // all actions so far
	killed   map[ID]time.Time
	spawned  map[ID]bool
	planned  map[ID]bool // booting successors beside a worker that is not hung
	stopping bool
	exited   bool
}

func newRig(t testing.TB) *rig {
	return &rig{
		t: t, f: New(), now: epoch, sampled: epoch,
		procs: map[ID]*proc{}, killed: map[ID]time.Time{}, spawned: map[ID]bool{}, planned: map[ID]bool{},
		react: func(Action) {}, roll: func() float64 { return 0.5 },
	}
}

func (r *rig) later(d time.Duration, e Event) {
	at := r.now.Add(d)
	i := sort.Search(len(r.pending), func(i int) bool { return r.pending[i].at.After(at) })
	r.pending = slices.Insert(r.pending, i, timed{at, e})
}

// send steps the core now and carries out what it says.
func (r *rig) send(e Event) []Action {
	r.t.Helper()
	switch x := e.(type) {
	case Ready:
		if p := r.procs[x.ID]; p != nil {
			p.booting = false
		}
		delete(r.planned, x.ID)
	case Exited:
		delete(r.procs, x.ID)
		delete(r.planned, x.ID)
	case SpawnFailed:
		delete(r.procs, x.ID)
		delete(r.planned, x.ID)
	case Stop:
		r.stopping = true
	}
	out := r.f.Step(r.now, e)
	r.said = append(r.said, out...)
	v := r.f.View()
	for _, s := range v.Slots {
		if s.Successor != nil && (s.Current == nil || s.Current.Liveness == Hung) {
			delete(r.planned, s.Successor.ID) // its old worker failed: now it is an emergency
		}
	}
	for _, a := range out {
		r.check(a, v)
		r.react(a)
	}
	r.checkWake()
	return out
}

// check holds one action against the invariants; v is the state after the step.
func (r *rig) check(a Action, v View) {
	r.t.Helper()
	if r.exited {
		if n, note := a.(Note); !note || n.Kind != NoteRefused {
			r.t.Fatalf("%s after the exit", say(a))
		}
	}
	switch a := a.(type) {
	case Spawn:
		if r.spawned[a.ID] {
			r.t.Fatalf("%s: the ID was used before", say(a))
		}
		if r.stopping {
			r.t.Fatalf("%s after Stop", say(a))
		}
		r.spawned[a.ID] = true
		r.procs[a.ID] = &proc{id: a.ID, slot: a.Slot, gen: a.Generation, booting: true}
		if c := v.Slots[a.Slot].Current; c != nil && c.Liveness != Hung {
			r.planned[a.ID] = true
		}
		if len(r.planned) > 1 {
			r.t.Fatalf("%s: replacements in flight at once: %v", say(a), r.planned)
		}
	case Drain:
		switch a.Reason {
		case ReasonRequests, ReasonMemory, ReasonOperator, ReasonTerm, ReasonTimeout, ReasonReload, ReasonRollback:
			slot := r.procs[a.ID].slot
			if slot >= len(v.Slots) {
				break // it goes with its slot
			}
			if c := v.Slots[slot].Current; c == nil || c.State != StateReady || c.ID == a.ID {
				r.t.Fatalf("%s leaves slot %d without a ready worker", say(a), slot)
			}
		}
	case Abort:
		delete(r.planned, a.ID) // its boot has failed
	case Kill:
		delete(r.planned, a.ID)
		if at, again := r.killed[a.ID]; again && r.now.Sub(at) < killRetry {
			r.t.Fatalf("%s: killed %s ago", say(a), r.now.Sub(at))
		}
		r.killed[a.ID] = r.now
	case Exit:
		if len(r.procs) > 0 {
			r.t.Fatalf("%s with %d workers left", say(a), len(r.procs))
		}
		r.exited = true
	}
}

// checkWake: nothing that is due may stay undone.
func (r *rig) checkWake() {
	r.t.Helper()
	for range 4 {
		at, ok := r.f.Wake()
		if !ok || at.After(r.now) {
			return
		}
		if !r.laxWake {
			r.t.Fatalf("Wake is %s in the past after a step", r.now.Sub(at))
		}
		for _, a := range r.f.Step(r.now, Tick{}) {
			r.check(a, r.f.View())
		}
	}
	r.t.Fatal("Wake stays in the past")
}

// wait lets time pass: what the world does, ticks and samples, in order.
func (r *rig) wait(d time.Duration) {
	r.t.Helper()
	end := r.now.Add(d)
	for {
		next := earlier(end, r.sampled.Add(250*time.Millisecond))
		wake, ok := r.f.Wake()
		if ok {
			next = earlier(next, wake)
		}
		if len(r.pending) > 0 {
			next = earlier(next, r.pending[0].at)
		}
		r.now = later(r.now, next)
		switch {
		case len(r.pending) > 0 && !r.pending[0].at.After(r.now):
			e := r.pending[0].e
			r.pending = r.pending[1:]
			if r.possible(e) {
				r.send(e)
			}
		case ok && !wake.After(r.now):
			r.send(Tick{})
		case !r.sampled.Add(250 * time.Millisecond).After(r.now):
			r.sample()
		default:
			return
		}
	}
}

// possible drops events of processes that died meanwhile; the dead say nothing.
func (r *rig) possible(e Event) bool {
	switch e := e.(type) {
	case Ready:
		return r.procs[e.ID] != nil
	case Exited:
		return r.procs[e.ID] != nil
	case RecycleDue:
		p := r.procs[e.ID]
		return p != nil && !p.booting
	case Stuck:
		p := r.procs[e.ID]
		return p != nil && !p.booting
	}
	return true
}

func (r *rig) sample() {
	r.t.Helper()
	r.sampled = r.now
	var s Sampled
	for _, id := range r.living() {
		p := r.procs[id]
		beat := r.now
		if !p.silent.IsZero() {
			beat = p.silent
		}
		s.Readings = append(s.Readings, Reading{ID: id, Beat: beat, Streams: p.streams, Memory: p.memory})
	}
	r.send(s)
}

func (r *rig) living() []ID {
	var ids []ID
	for id := range r.procs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// say prints an action the way scenarios record it.
func say(a Action) string {
	switch a := a.(type) {
	case Spawn:
		return fmt.Sprintf("spawn %d slot=%d gen=%d", a.ID, a.Slot, a.Generation)
	case Drain:
		return fmt.Sprintf("drain %d %s", a.ID, a.Reason)
	case Quit:
		return fmt.Sprintf("quit %d", a.ID)
	case Abort:
		return fmt.Sprintf("abort %d %s", a.ID, a.Reason)
	case Kill:
		return fmt.Sprintf("kill %d %s", a.ID, a.Reason)
	case Note:
		if a.ID == 0 {
			return fmt.Sprintf("note %s: %s", a.Kind, a.Detail)
		}
		return fmt.Sprintf("note %s %d slot=%d: %s", a.Kind, a.ID, a.Slot, a.Detail)
	case Reloaded:
		if a.Err == "" {
			return fmt.Sprintf("reloaded gen=%d", a.Generation)
		}
		return fmt.Sprintf("reloaded gen=%d failed: %s", a.Generation, a.Err)
	case Up:
		return "up"
	case Exit:
		return fmt.Sprintf("exit %d %q", a.Code, a.Detail)
	}
	return fmt.Sprintf("%#v", a)
}

func sayAll(as []Action) []string {
	var out []string
	for _, a := range as {
		out = append(out, say(a))
	}
	return out
}
