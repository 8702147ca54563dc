package fleet

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// upRig is a fleet of so many ready workers, 1 to n, of generation 1.
func upRig(t *testing.T, n int, change ...func(*Policy)) *rig {
	t.Helper()
	p := testPolicy(n)
	for _, c := range change {
		c(&p)
	}
	r := newRig(t)
	r.send(Start{Generation: 1, Policy: p})
	for id := 1; id <= n; id++ {
		r.send(Ready{ID: ID(id)})
	}
	r.said = nil
	return r
}

func (r *rig) expect(want ...string) {
	r.t.Helper()
	got := sayAll(r.said)
	r.said = nil
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		r.t.Fatalf("got %q\nwant %q", got, want)
	}
}

func TestSleepMovesTheStreamBudget(t *testing.T) {
	r := upRig(t, 1)
	r.procs[1].streams = 1
	r.sample()
	r.send(Stop{})
	r.now = r.now.Add(7 * time.Second) // lost: all but the second in which a step was due
	r.wait(10400*time.Millisecond - time.Second)
	r.expect("drain 1 stop", "note slept")
	r.wait(100 * time.Millisecond)
	r.expect("abort 1 overdue")
}

func TestClockGoesBack(t *testing.T) {
	r := upRig(t, 1)
	r.wait(10 * time.Second)
	r.f.Step(r.now.Add(-5*time.Second), Stop{})
	if at, _ := r.f.Wake(); at != r.now.Add(3500*time.Millisecond) {
		t.Errorf("the drain ends %s after now", at.Sub(r.now))
	}
}

// TestKillNeedsNoBackoff: a recycling that fails to boot must not delay the
// answer to a kill from outside.
func TestKillNeedsNoBackoff(t *testing.T) {
	r := upRig(t, 1)
	r.send(RecycleDue{ID: 1})
	r.send(Exited{ID: 2, Code: 3})
	r.send(Exited{ID: 3, Code: 3})
	r.said = nil
	r.send(Exited{ID: 1, Outside: true})
	r.expect("spawn 4")
}

func TestCurrentForgives(t *testing.T) {
	r := upRig(t, 1)
	for id := ID(1); id <= 4; id++ {
		r.send(Exited{ID: id, Code: 2, Roll: 0.5})
		r.wait(time.Second)
	}
	r.send(Ready{ID: 5})
	r.wait(10 * time.Second)
	r.send(RecycleDue{ID: 5})
	r.send(Exited{ID: 6, Code: 3})
	if s := r.f.View().Slots[0]; s.Failures != 1 {
		t.Errorf("%d failures", s.Failures)
	}
}

func TestOutsideKillOfTheCanary(t *testing.T) {
	r := upRig(t, 1)
	r.send(Reload{Generation: 2, Policy: testPolicy(1)})
	r.send(Exited{ID: 2, Outside: true, Detail: "SIGKILL from outside"})
	r.expect("spawn 2", "note boot_failed 2", "reloaded gen=2 failed: worker 2 in slot 0: SIGKILL from outside")
}

func TestSleepClearsNoSuspicion(t *testing.T) {
	r := upRig(t, 1)
	r.procs[1].silent = r.now
	r.wait(1250 * time.Millisecond)
	r.now = r.now.Add(time.Minute)
	r.wait(500 * time.Millisecond)
	r.expect("note suspect 1", "note slept")
}

// TestRecoveredIsSafe: it was hung and beats again, so the failure of its
// successor is no reason to abort it.
func TestRecoveredIsSafe(t *testing.T) {
	r := upRig(t, 1)
	r.procs[1].silent = r.now
	r.wait(4250 * time.Millisecond)
	r.procs[1].silent = time.Time{}
	r.wait(3 * time.Second)
	r.send(Exited{ID: 2})
	r.expect("note suspect 1", "note timeout 1", "spawn 2", "note recovered 1", "abort 2 boot_timeout", "note boot_failed 2")
}

func TestBeatFromTheFuture(t *testing.T) {
	r := upRig(t, 1)
	ahead := r.now.Add(time.Hour)
	r.send(Sampled{Readings: []Reading{{ID: 1, Beat: ahead}}})
	r.procs[1].silent = r.now
	r.wait(1250 * time.Millisecond)
	r.expect("note suspect 1")
}

func TestMemorySamples(t *testing.T) {
	for _, c := range []struct {
		samples []int64
		want    bool
	}{
		{[]int64{11, 11, 11}, true},
		{[]int64{11, 0, 11, 0, 11}, true}, // not sampled says nothing
		{[]int64{11, 11, 10, 11, 11}, false},
		{[]int64{11, 11}, false},
		{[]int64{10, 10, 10, 10}, false},
	} {
		r := upRig(t, 1, func(p *Policy) { p.MaxMemory = 10 })
		for _, m := range c.samples {
			r.send(Sampled{Readings: []Reading{{ID: 1, Beat: r.now, Memory: m}}})
		}
		if got := len(r.said) > 0; got != c.want {
			t.Errorf("%v: %q", c.samples, sayAll(r.said))
		}
	}
}

func TestQuickStopOfAHungWorker(t *testing.T) {
	r := upRig(t, 1, func(p *Policy) { p.Timeout, p.SuspectAfter = 500*time.Millisecond, 0 })
	r.procs[1].silent = r.now
	r.send(Stop{Quick: true})
	r.wait(time.Second)
	r.expect("quit 1", "kill 1 stop")
}

func TestQuickStopShortensAnAbort(t *testing.T) {
	r := upRig(t, 1)
	r.procs[1].silent = r.now
	r.wait(4250 * time.Millisecond)
	r.send(Stop{})
	r.said = nil
	r.send(Stop{})
	r.wait(time.Second)
	r.expect("kill 1 silent")
}

// TestDeathAtTheDeadline: who is dead already needs no signal.
func TestDeathAtTheDeadline(t *testing.T) {
	r := upRig(t, 1)
	r.send(Stop{})
	r.now = r.now.Add(3500 * time.Millisecond)
	r.f.now = r.now // no sleep: somebody stepped in between
	r.send(Exited{ID: 1})
	r.expect("drain 1 stop", "exit 0")
}

func TestStuckGoesFirst(t *testing.T) {
	r := upRig(t, 3)
	for id := ID(1); id <= 3; id++ {
		r.send(RecycleDue{ID: id, Reason: ReasonRequests})
	}
	r.send(Stuck{ID: 3, Detail: "GET /"})
	r.send(Stuck{ID: 1, Detail: "GET /"}) // its replacement is under way
	r.send(Ready{ID: 4})
	r.expect("spawn 4 slot=0", "note timeout 3", "note timeout 1", "drain 1 timeout", "spawn 5 slot=2")
}

// TestReloadTakesOverTheSuccessorOfTheDead: it is left alone until its slot is
// rolled, because the slot has nobody else; then it makes room.
func TestReloadTakesOverTheSuccessorOfTheDead(t *testing.T) {
	r := upRig(t, 2)
	r.send(RecycleDue{ID: 2})
	r.send(Exited{ID: 2, Outside: true})
	r.send(Reload{Generation: 2, Policy: testPolicy(2)})
	r.expect("spawn 3 slot=1", "spawn 4 slot=0 gen=2")
	r.send(Ready{ID: 4})
	r.send(Exited{ID: 3, Code: -1})
	r.expect("drain 1 reload", "kill 3 reload", "spawn 5 slot=1 gen=2")
}

func TestCommitWaitsForEverySlot(t *testing.T) {
	r := upRig(t, 2)
	r.send(Reload{Generation: 2, Policy: testPolicy(2)})
	r.send(Ready{ID: 3})
	r.send(Exited{ID: 3, Outside: true})
	r.send(Ready{ID: 4})
	r.expect("spawn 3 slot=0 gen=2", "drain 1", "spawn 4 slot=1 gen=2", "spawn 5 slot=0 gen=2", "drain 2")
	r.send(Ready{ID: 5})
	r.expect("reloaded gen=2")
}

// TestScaleTakesTheReplacedSlot: the replacement under way ends with its slot
// and does not block the next.
func TestScaleTakesTheReplacedSlot(t *testing.T) {
	r := upRig(t, 2, func(p *Policy) { p.RecycleInterval = 0 })
	r.send(RecycleDue{ID: 2})
	r.send(Scale{Delta: -1})
	r.send(RecycleDue{ID: 1})
	r.expect("spawn 3 slot=1", "kill 3 scale", "drain 2 scale", "spawn 4 slot=0")
}

func TestNothingWaitsInAFleetThatLeaves(t *testing.T) {
	for _, e := range []Event{Park{}, Stop{}} {
		r := upRig(t, 3)
		for id := ID(1); id <= 3; id++ {
			r.send(RecycleDue{ID: id})
		}
		r.send(e)
		if v := r.f.View(); len(v.Replacing) > 0 {
			t.Errorf("%T: %+v", e, v.Replacing)
		}
	}
}

// TestPlansWaitForGrowth: a plan that may start by its pace still waits for the
// reload, and the core does not ask to be woken for it.
func TestPlansWaitForGrowth(t *testing.T) {
	r := upRig(t, 1)
	r.send(RecycleDue{ID: 1})
	r.send(Ready{ID: 2})
	r.send(Reload{Generation: 2, Policy: testPolicy(2)})
	r.send(Ready{ID: 3})
	r.send(RecycleDue{ID: 3})
	r.said = nil
	r.wait(1500 * time.Millisecond) // the rig checks Wake
	r.expect()
	r.send(Ready{ID: 4})
	r.expect("reloaded gen=2", "spawn 5 slot=0 gen=2")
}
