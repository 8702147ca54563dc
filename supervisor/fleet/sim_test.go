package fleet

import (
	"fmt"
	"math/rand"
	"testing"
	"time"
)

// TestSimulation lets a fleet live in a hostile world, by many seeds: boots
// fail or hang, workers crash, fall silent and ignore orders, operators reload,
// scale, park and suspend the master. The rig checks every step. Then the world
// turns kind: the fleet has to recover fully, and Stop has to end it.
func TestSimulation(t *testing.T) {
	seeds := 400
	if testing.Short() {
		seeds = 50
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { simulate(t, int64(seed)) })
	}
}

type world struct {
	*rig
	rnd  *rand.Rand
	kind bool
	gen  Generation
}

func simulate(t *testing.T, seed int64) {
	w := &world{rig: newRig(t), rnd: rand.New(rand.NewSource(seed)), kind: true, gen: 1}
	w.react, w.roll = w.answer, w.rnd.Float64
	w.send(Start{Generation: 1, Policy: w.policy()})
	w.wait(time.Second)
	w.kind = false
	for range 60 {
		w.operate()
		w.wait(w.upTo(3 * time.Second))
	}
	w.kind = true
	for _, id := range w.living() {
		w.procs[id].silent = time.Time{}
	}
	if w.f.View().Phase == PhaseParked {
		w.send(Scale{Delta: 1})
	}
	w.wait(5 * time.Minute)
	w.expectCalm()
	w.send(Stop{Quick: w.chance(30)})
	w.wait(time.Minute)
	if !w.exited || w.f.View().Phase != PhaseExited {
		t.Fatalf("not ended a minute after Stop: %+v", w.f.View())
	}
}

// expectCalm: after the storm all slots serve, nothing waits, nothing lingers.
func (w *world) expectCalm() {
	w.t.Helper()
	v := w.f.View()
	if v.Phase != PhaseServing || v.Ready != len(v.Slots) || len(v.Leaving)+len(v.Replacing) > 0 {
		w.t.Fatalf("the fleet did not recover: %+v", v)
	}
	for _, s := range v.Slots {
		if s.Successor != nil || s.Current.Liveness != Fresh || s.Generation != v.Generation || s.Current.Generation != v.Generation {
			w.t.Fatalf("slot %d did not recover: %+v", s.Index, s)
		}
	}
	if len(w.procs) != len(v.Slots) {
		w.t.Fatalf("%d processes in %d slots", len(w.procs), len(v.Slots))
	}
}

func (w *world) chance(percent int) bool { return w.rnd.Intn(100) < percent }

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(1 + w.rnd.Int63n(int64(d))) }

func (w *world) policy() Policy {
	p := testPolicy(1 + w.rnd.Intn(6))
	p.MaxMemory = 1000
	if w.chance(20) {
		p.Timeout = 0
	}
	if w.chance(20) {
		p.RecycleInterval = 0
	}
	return p
}

// operate is one thing that an operator, or the world at large, does.
func (w *world) operate() {
	ids := w.living()
	var id ID
	if len(ids) > 0 {
		id = ids[w.rnd.Intn(len(ids))]
	}
	switch w.rnd.Intn(12) {
	case 0, 1:
		w.gen++
		w.send(Reload{Generation: w.gen, Policy: w.policy()})
	case 2:
		w.send(Scale{Delta: 1})
	case 3:
		w.send(Scale{Delta: -1})
	case 4:
		if w.chance(15) {
			w.send(Park{})
		}
	case 5: // everyone is due at once
		for _, id := range ids {
			w.send(RecycleDue{ID: id, Reason: ReasonRequests})
		}
	case 6:
		if id != 0 {
			w.send(Stuck{ID: id, Detail: "GET /spin"})
		}
	case 7: // kill -9 from outside
		if id != 0 {
			w.send(Exited{ID: id, Code: -1, Outside: true, Detail: "SIGKILL", Roll: w.roll()})
		}
	case 8: // the master is suspended
		w.now = w.now.Add(w.upTo(20 * time.Second))
	case 9:
		if id != 0 {
			w.procs[id].silent = w.now
		}
	case 10:
		if id != 0 {
			w.procs[id].silent = time.Time{}
		}
	case 11:
		if id != 0 {
			w.procs[id].streams, w.procs[id].memory = w.rnd.Intn(2), int64(w.rnd.Intn(2000))
		}
	}
}

// answer is how a process takes an action.
func (w *world) answer(a Action) {
	die := func(id ID, most time.Duration, code int) {
		w.later(w.upTo(most), Exited{ID: id, Code: code, Detail: "died", Roll: w.roll()})
	}
	switch a := a.(type) {
	case Spawn:
		switch {
		case w.kind || w.chance(60):
			w.later(w.upTo(200*time.Millisecond), Ready{ID: a.ID})
			if !w.kind && w.chance(30) {
				die(a.ID, 20*time.Second, 2)
			}
		case w.chance(30): // hangs in its boot
		case w.chance(30):
			w.later(w.upTo(50*time.Millisecond), SpawnFailed{ID: a.ID, Err: "EAGAIN", Roll: w.roll()})
		default:
			die(a.ID, 200*time.Millisecond, 3+w.rnd.Intn(2))
		}
	case Drain:
		if p := w.procs[a.ID]; p != nil && p.silent.IsZero() && (w.kind || w.chance(80)) {
			die(a.ID, 4*time.Second, 0)
		}
	case Quit:
		if w.kind || w.chance(80) {
			die(a.ID, 2*time.Second, 0)
		}
	case Abort:
		if w.kind || w.chance(70) {
			die(a.ID, 3*time.Second, 2)
		}
	case Kill:
		most := 20 * time.Millisecond
		if w.chance(5) {
			most = 12 * time.Second // in uninterruptible sleep
		}
		die(a.ID, most, -1)
	}
}
