package supervisor

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/internal/testproc"
	"github.com/webchasor/webchasor/supervisor/poison"
)

// A step of the wall clock, before or after, neither prolongs a quarantine
// nor shortens it.
func TestQuarantineOutlivesClockSteps(t *testing.T) {
	policy := poison.Policy{Deaths: 1, Within: time.Hour, Quarantine: 10 * time.Minute}
	clock, now := sys.NewClock(), time.Now()
	for _, seconds := range []int64{0, 3600, -3600} {
		stepped := testproc.StepClock(now, seconds)
		var w poisonWatch
		w.Died(policy, poison.Death{At: stepped, Shapes: []string{"GET /boom"}})
		w.changed(clock)
		text, err := json.Marshal(handoff.Order{Kind: handoff.OrderRefuse, Refuse: w.list})
		if err != nil {
			t.Fatal(err)
		}
		var o handoff.Order // as a worker gets it
		if err := json.Unmarshal(text, &o); err != nil {
			t.Fatal(err)
		}
		if want := clock.Of(now) + policy.Quarantine; len(o.Refuse) != 1 || o.Refuse[0].Until != want {
			t.Errorf("the clock was %d s off: a worker is told %+v, want until %v", seconds, o.Refuse, want)
		}
		later := testproc.StepClock(now.Add(policy.Quarantine-time.Second), -seconds)
		if released := w.Release(policy, later); len(released) != 0 {
			t.Errorf("a step by %d s released %v too early", -2*seconds, released)
		}
		if released := w.Release(policy, testproc.StepClock(now.Add(policy.Quarantine), -seconds)); len(released) != 1 {
			t.Errorf("after a step by %d s it is not released in time", -2*seconds)
		}
	}
}
