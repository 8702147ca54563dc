package fleet

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTransition(t *testing.T) {
	states := []State{StateBooting, StateReady, StateDraining, StateAborting, StateKilled, StateGone}
	possible := map[State]string{
		StateBooting:  "ready aborting killed gone",
		StateReady:    "draining aborting killed gone",
		StateDraining: "aborting killed gone",
		StateAborting: "killed gone",
		StateKilled:   "gone",
		StateGone:     "",
	}
	for _, from := range states {
		for _, to := range states {
			w := &worker{id: 7, state: from, since: epoch, deadline: epoch}
			err := w.transition(to, epoch.Add(1))
			want := slices.Contains(strings.Fields(possible[from]), string(to))
			switch {
			case want && (err != nil || w.state != to || !w.deadline.IsZero() || w.since.Equal(epoch)):
				t.Errorf("%s to %s: %v, %+v", from, to, err, w)
			case !want && (err == nil || w.state != from || w.deadline.IsZero()):
				t.Errorf("%s to %s was accepted: %+v", from, to, w)
			}
		}
	}
}

func TestBackoffDelay(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		failures int
		roll     float64
		want     time.Duration
	}{
		{0, 0.5, 0},
		{1, 0.99, 0}, // the first respawn is immediate
		{2, 0, 100 * ms},
		{2, 1, 200 * ms},
		{3, 0.5, 300 * ms},
		{9, 0, 12800 * ms},
		{10, 0, 15 * time.Second},
		{10, 1, 30 * time.Second},
		{1 << 40, 1, 30 * time.Second},
		{2, -3, 100 * ms},
		{2, 7, 200 * ms},
		{2, math.NaN(), 100 * ms},
	} {
		if got := backoffDelay(c.failures, c.roll); got != c.want {
			t.Errorf("%d failures, roll %v: %s, want %s", c.failures, c.roll, got, c.want)
		}
	}
}

func TestBackoffForgives(t *testing.T) {
	for _, c := range []struct {
		name          string
		ready, judged time.Duration // after the last failure; its delay was 150 ms
		want          int
	}{
		{"long enough", time.Second, 7 * time.Second, 0},
		{"not for longer than delay and grace", time.Second, 6100 * time.Millisecond, 2},
		{"ready before the failure", -time.Hour, time.Hour, 2},
	} {
		var b backoff
		b.fail(epoch, 0.5)
		b.fail(epoch, 0.5)
		b.forgive(nil, epoch.Add(time.Hour))
		b.forgive(&worker{}, epoch.Add(time.Hour))
		b.forgive(&worker{readyAt: epoch.Add(c.ready)}, epoch.Add(c.judged))
		if b.failures != c.want {
			t.Errorf("%s: %d failures, want %d", c.name, b.failures, c.want)
		}
	}
}

func TestPace(t *testing.T) {
	var p pace
	now := epoch
	for i := range 3 {
		if p.next(3, time.Second).After(now) {
			t.Fatalf("number %d of a burst of 3 has to wait", i+1)
		}
		p.take(now, time.Second)
	}
	if got := p.next(3, time.Second); got != now.Add(time.Second) {
		t.Errorf("after the burst: %s", got.Sub(now))
	}
	if got := p.next(3, 0); !got.IsZero() {
		t.Errorf("no interval: %s", got)
	}
	now = now.Add(time.Hour) // it does not save up more than the burst
	for range 3 {
		p.take(now, time.Second)
	}
	if got := p.next(3, time.Second); got != now.Add(time.Second) {
		t.Errorf("after an hour and a burst: %s", got.Sub(now))
	}
}

// TestWhatCountsAsEarlyDeath: two deaths in a row of one kind in one slot, once
// the fleet is up; only the slot's own fault makes the next one wait.
func TestWhatCountsAsEarlyDeath(t *testing.T) {
	for _, c := range []struct {
		name   string
		ready  bool
		lived  time.Duration
		death  Exited
		failed int
	}{
		{"exit before ready", false, 0, Exited{Code: 3}, 2},
		{"panic soon after ready", true, 5 * time.Second, Exited{Code: 2}, 2},
		{"panic later", true, 5001 * time.Millisecond, Exited{Code: 2}, 0},
		{"unasked exit 0", true, 0, Exited{Code: 0}, 2},
		{"kill -9 before ready", false, 0, Exited{Code: -1, Outside: true}, 2}, // or out of memory, unproven
		{"out of memory before ready", false, 0, Exited{Code: -1}, 2},
		{"out of memory soon after ready", true, time.Second, Exited{Code: -1}, 2},
		{"kill -9 after ready", true, 0, Exited{Code: -1, Outside: true}, 0},
	} {
		r := newRig(t)
		r.send(Start{Policy: testPolicy(1)})
		r.send(Ready{ID: 1})
		r.send(Exited{ID: 1, Outside: true})
		for id := ID(2); id <= 3; id++ {
			if c.ready {
				r.send(Ready{ID: id})
			}
			r.wait(c.lived)
			c.death.ID = id
			r.send(c.death)
		}
		s := r.f.View().Slots[0]
		if s.Failures != c.failed || (s.Successor == nil) != (c.failed > 0) {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}

// TestDeadlines: when a worker that does not end is aborted after its drain began.
func TestDeadlines(t *testing.T) {
	for _, c := range []struct {
		name    string
		streams int
		change  func(*Policy)
		drain   Event
		want    time.Duration
		kind    string
	}{
		{"plain", 0, nil, Stop{}, 3500 * time.Millisecond, "abort 1 overdue"},
		{"streams", 2, nil, Stop{}, 10500 * time.Millisecond, "abort 1 overdue"},
		{"streams, parked", 2, nil, Park{}, 10500 * time.Millisecond, "abort 1 overdue"},
		{"streams with the shorter budget", 2, func(p *Policy) { p.StreamTimeout = time.Second }, Stop{}, 3500 * time.Millisecond, "abort 1 overdue"},
		{"quick", 2, nil, Stop{Quick: true}, time.Second, "kill 1 stop"},
	} {
		p := testPolicy(1)
		if c.change != nil {
			c.change(&p)
		}
		r := newRig(t)
		r.send(Start{Policy: p})
		r.send(Ready{ID: 1})
		r.procs[1].streams = c.streams
		r.wait(250 * time.Millisecond)
		r.send(c.drain)
		r.wait(c.want - time.Millisecond)
		before := len(r.said)
		if got := sayAll(r.said); slices.Contains(got, c.kind) {
			t.Errorf("%s: too early: %q", c.name, got)
		}
		r.wait(time.Millisecond)
		if got := sayAll(r.said[before:]); !slices.Equal(got, []string{c.kind}) {
			t.Errorf("%s: %q, want %q", c.name, got, c.kind)
		}
	}
}

// TestSilentWhileDraining: a drain does not protect a hung worker.
func TestSilentWhileDraining(t *testing.T) {
	p := testPolicy(1)
	p.Timeout, p.SuspectAfter = time.Second, 500*time.Millisecond
	r := newRig(t)
	r.send(Start{Policy: p})
	r.send(Ready{ID: 1})
	r.send(Stop{})
	r.procs[1].silent = r.now
	r.wait(1250 * time.Millisecond)
	want := []string{"note suspect 1 slot=0: no heartbeat for 750ms", "note timeout 1 slot=0: no heartbeat for 1.25s", "abort 1 silent"}
	if got := sayAll(r.said); !slices.Equal(got[len(got)-3:], want) {
		t.Errorf("%q", got)
	}
}

// TestTimeoutOff: with timeout 0 silence is a suspicion for ever.
func TestTimeoutOff(t *testing.T) {
	p := testPolicy(1)
	p.Timeout = 0
	r := newRig(t)
	r.send(Start{Policy: p})
	r.send(Ready{ID: 1})
	r.procs[1].silent = r.now
	r.wait(time.Hour)
	if got := sayAll(r.said); len(got) != 3 || !strings.HasPrefix(got[2], "note suspect") {
		t.Errorf("%q", got)
	}
}

// TestHungWaitsNoLongerThanBootTimeout also when the successor cannot even be
// started, because its slot is backing off.
func TestHungWaitsNoLongerThanBootTimeout(t *testing.T) {
	r := newRig(t)
	r.roll = func() float64 { return 1 }
	r.send(Start{Policy: testPolicy(1)})
	r.send(Ready{ID: 1})
	r.procs[1].silent = r.now
	r.wait(3 * time.Second)
	for range 7 { // each makes the recycling of the slot wait longer
		r.send(RecycleDue{ID: 1})
		if v := r.f.View(); v.Slots[0].Successor != nil {
			r.send(Exited{ID: v.Slots[0].Successor.ID, Code: 3, Roll: 1})
		}
		r.f.slots[0].backoff.until = time.Time{}
		r.send(Tick{})
	}
	if s := r.f.View().Slots[0]; s.Successor == nil {
		t.Fatalf("%+v", s)
	}
	r.send(Exited{ID: r.f.View().Slots[0].Successor.ID, Code: 3, Roll: 1})
	r.wait(1250 * time.Millisecond) // hung now
	if s := r.f.View().Slots[0]; s.Successor != nil || s.Current.Liveness != Hung || s.Current.State != StateReady {
		t.Fatalf("%+v %+v", s, s.Current)
	}
	r.wait(2 * time.Second)
	if s := r.f.View().Slots[0]; s.Current.State != StateAborting {
		t.Errorf("%+v", s.Current)
	}
}

func TestFirstBootExitCodes(t *testing.T) {
	for _, c := range []struct {
		death Event
		want  Exit
	}{
		{Exited{ID: 1, Code: 3, Detail: "no listener"}, Exit{Code: 3, Detail: "no listener"}},
		{Exited{ID: 1, Code: 4, Detail: "no model"}, Exit{Code: 4, Detail: "no model"}},
		{Exited{ID: 1, Code: 2, Detail: "panic"}, Exit{Code: 3, Detail: "panic"}},
		{Exited{ID: 1, Code: 0, Detail: "left"}, Exit{Code: 3, Detail: "left"}},
		{SpawnFailed{ID: 1, Err: "EAGAIN"}, Exit{Code: 3, Detail: "cannot spawn: EAGAIN"}},
	} {
		r := newRig(t)
		r.send(Start{Policy: testPolicy(2)})
		r.send(c.death)
		got := r.send(Exited{ID: 2, Code: -1})
		if len(got) != 1 || got[0] != Action(c.want) {
			t.Errorf("%+v: %q", c.death, sayAll(got))
		}
	}
}

// TestRefused: an event that cannot be honoured is said to be, and changes nothing.
func TestRefused(t *testing.T) {
	up := []Event{Start{Generation: 1, Policy: testPolicy(1)}, Ready{ID: 1}}
	for _, c := range []struct {
		name   string
		before []Event
		e      Event
	}{
		{"nothing", up, nil},
		{"reload before start", nil, Reload{Policy: testPolicy(1)}},
		{"exit before start", nil, Exited{ID: 1}},
		{"start without workers", nil, Start{}},
		{"second start", up, up[0]},
		{"ready twice", up, Ready{ID: 1}},
		{"ready of nobody", up, Ready{ID: 9}},
		{"exit of nobody", up, Exited{ID: 0}},
		{"spawn failure of a ready one", up, SpawnFailed{ID: 1}},
		{"recycle a booting one", up[:1], RecycleDue{ID: 1}},
		{"stuck in its boot", up[:1], Stuck{ID: 1}},
		{"too few", up, Scale{Delta: -1}},
		{"reload after the end", append(up[:2:2], Stop{}, Exited{ID: 1}), Reload{Policy: testPolicy(1)}},
		{"stop after the end", append(up[:2:2], Stop{}, Exited{ID: 1}), Stop{}},
	} {
		r := newRig(t)
		for _, e := range c.before {
			r.send(e)
		}
		before := r.f.View()
		got := r.send(c.e)
		if len(got) != 1 || !strings.HasPrefix(say(got[0]), "note refused") {
			t.Errorf("%s: %q", c.name, sayAll(got))
		}
		if after := r.f.View(); before.Phase != after.Phase || before.Ready != after.Ready || len(before.Slots) != len(after.Slots) {
			t.Errorf("%s: changed to %+v", c.name, after)
		}
	}
}

// TestSilentRaces: events that merely crossed an order pass without a word.
func TestSilentRaces(t *testing.T) {
	r := newRig(t)
	r.send(Start{Policy: testPolicy(1)})
	r.send(Ready{ID: 1})
	r.send(Scale{Delta: 1})
	r.send(Scale{Delta: -1}) // kills 2 in its boot
	r.send(RecycleDue{ID: 1})
	r.send(Ready{ID: 3}) // drains 1
	for _, e := range []Event{
		Ready{ID: 2},
		Exited{ID: 2},
		Exited{ID: 2},
		Ready{ID: 2},
		RecycleDue{ID: 1},
		Stuck{ID: 1},
		Exited{ID: 1},
		RecycleDue{ID: 1},
		Stuck{ID: 1},
		Sampled{Readings: []Reading{{ID: 1}, {ID: 2}, {ID: 77}}},
	} {
		if got := r.send(e); len(got) > 0 {
			t.Errorf("%T%+v: %q", e, e, sayAll(got))
		}
	}
}

// TestReloadOfNobody: a reload without workers fails as a reload does.
func TestReloadOfNobody(t *testing.T) {
	r := newRig(t)
	r.send(Start{Generation: 1, Policy: testPolicy(1)})
	r.send(Ready{ID: 1})
	got := r.send(Reload{Generation: 2})
	if x, ok := got[0].(Reloaded); len(got) != 1 || !ok || x.Err == "" || x.Generation != 2 {
		t.Errorf("%q", sayAll(got))
	}
}

// TestStopBeforeAnything ends at once.
func TestStopBeforeAnything(t *testing.T) {
	r := newRig(t)
	if got := sayAll(r.send(Stop{})); !slices.Equal(got, []string{`exit 0 ""`}) {
		t.Errorf("%q", got)
	}
	if at, ok := r.f.Wake(); ok {
		t.Errorf("wakes at %s", at)
	}
}

// TestViewIsACopy: what a status page holds does not change under it.
func TestViewIsACopy(t *testing.T) {
	r := newRig(t)
	r.send(Start{Policy: testPolicy(1)})
	v := r.f.View()
	r.send(Ready{ID: 1})
	if v.Slots[0].Successor.State != StateBooting || v.Ready != 0 || v.Slots[0].Current != nil {
		t.Errorf("%+v", v)
	}
}

// TestDeterministic: the same events at the same times, the same actions.
func TestDeterministic(t *testing.T) {
	run := func() []string {
		r := newRig(t)
		r.react = func(a Action) {
			if s, ok := a.(Spawn); ok {
				r.later(30*time.Millisecond, Ready{ID: s.ID})
			}
		}
		r.send(Start{Generation: 1, Policy: testPolicy(5)})
		r.wait(time.Second)
		r.procs[2].silent, r.procs[4].silent = r.now, r.now
		r.wait(3 * time.Second)
		r.send(Reload{Generation: 2, Policy: testPolicy(7)})
		r.wait(5 * time.Second)
		r.send(Stop{})
		r.wait(10 * time.Second)
		return sayAll(r.said)
	}
	if a, b := run(), run(); !slices.Equal(a, b) || len(a) < 30 {
		t.Errorf("%q\n%q", a, b)
	}
}
