package poison

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

var (
	start  = time.Date(2026, 11, 22, 22, 0, 0, 0, time.UTC)
	policy = Policy{Deaths: 3, Within: 10 * time.Minute, Quarantine: time.Minute}
)

func at(minutes float64) time.Time { return start.Add(time.Duration(minutes * float64(time.Minute))) }

func shapesOf(list []Suspect) (shapes []string) {
	for _, s := range list {
		shapes = append(shapes, s.Shape)
	}
	return shapes
}

func TestWhoIsNamed(t *testing.T) {
	die := func(minute float64, culprit string, shapes ...string) Death {
		return Death{At: at(minute), Shapes: shapes, Culprit: culprit}
	}
	for name, c := range map[string]struct {
		deaths  []Death
		named   []string // at the last of them
		refused []string
	}{
		"two deaths are an accident": {
			[]Death{die(0, "", "boom"), die(1, "", "boom")}, nil, nil,
		},
		"three are not": {
			[]Death{die(0, "", "boom"), die(1, "", "boom"), die(2, "", "boom")}, []string{"boom"}, []string{"boom"},
		},
		"many of one kind in a death count once": {
			[]Death{die(0, "", "boom", "boom", "boom")}, nil, nil,
		},
		"too long ago": {
			[]Death{die(0, "", "boom"), die(1, "", "boom"), die(10.5, "", "boom")}, nil, nil,
		},
		"a bystander that is always there does not hide the culprit": {
			[]Death{die(0, "boom", "boom", "chat"), die(1, "boom", "boom", "chat"), die(2, "boom", "boom", "chat")}, []string{"boom"}, []string{"boom"},
		},
		"where nobody can tell, both are named and none is refused": {
			[]Death{die(0, "", "boom", "chat"), die(1, "", "boom", "chat"), die(2, "", "boom", "chat")}, []string{"boom", "chat"}, nil,
		},
		"a death without the other one tells": {
			[]Death{die(0, "", "boom", "chat"), die(1, "", "boom"), die(2, "", "boom", "chat"), die(3, "", "boom", "chat")}, []string{"boom", "chat"}, []string{"boom"},
		},
		"one of a crowd is not refused": {
			[]Death{die(0, "", "boom", "a", "b", "c"), die(1, "", "boom", "d", "e", "f"), die(2, "", "boom", "g", "h", "i")}, []string{"boom"}, nil,
		},
		"idle workers and unparsed requests blame nobody": {
			[]Death{die(0, ""), die(1, "", ""), die(2, "", "")}, nil, nil,
		},
		"only who was there this time is named": {
			[]Death{die(0, "", "boom"), die(1, "", "boom"), die(2, "", "boom"), die(3, "", "other")}, nil, []string{"boom"},
		},
	} {
		var w Watch
		var got []Suspect
		for _, d := range c.deaths {
			got = w.Died(policy, d)
		}
		if !slices.Equal(shapesOf(got), c.named) {
			t.Errorf("%s: named %+v, want %v", name, got, c.named)
		}
		if !slices.Equal(shapesOf(w.Refused()), c.refused) {
			t.Errorf("%s: refused %+v, want %v", name, w.Refused(), c.refused)
		}
	}
}

func TestQuarantineEnds(t *testing.T) {
	var w Watch
	for i := range 3 {
		w.Died(policy, Death{At: at(float64(i)), Shapes: []string{"boom", "chat"}, Culprit: "boom"})
	}
	s := w.Suspects(policy, at(2.5))
	if len(s) != 2 || !s[0].Quarantined(at(2.5)) || s[1].Quarantined(at(2.5)) || s[0].Deaths != 3 || s[0].Of != 3 || s[0].First != at(0) || s[0].Last != at(2) {
		t.Errorf("%+v", s)
	}
	if got := w.Release(policy, at(2.9)); got != nil {
		t.Errorf("released %v too early", got)
	}
	if got := w.Release(policy, at(3)); !slices.Equal(got, []string{"boom"}) || len(w.Refused()) != 0 {
		t.Errorf("released %v, still %v", got, w.Refused())
	}
	// It gets a fresh chance: three deaths again.
	for i := range 2 {
		if got := w.Died(policy, Death{At: at(4 + float64(i)), Shapes: []string{"boom"}, Culprit: "boom"}); len(got) != 0 {
			t.Errorf("death %d after its release: %+v", i+1, got)
		}
	}
	if got := w.Died(policy, Death{At: at(6), Shapes: []string{"boom"}, Culprit: "boom"}); len(got) != 1 || !got[0].Quarantined(at(6)) {
		t.Errorf("the third: %+v", got)
	}
	// In quarantine another death, by one that was under way, prolongs it.
	w.Died(policy, Death{At: at(6.5), Shapes: []string{"boom"}, Culprit: "boom"})
	if got := w.Release(policy, at(7.2)); got != nil {
		t.Errorf("released %v", got)
	}
	// A policy without quarantine ends all at once.
	if got := w.Release(Policy{Deaths: 3, Within: policy.Within}, at(7.2)); len(got) != 1 {
		t.Errorf("released %v", got)
	}
}

func TestNoQuarantineUnlessWanted(t *testing.T) {
	var w Watch
	p := Policy{Deaths: 2, Within: time.Hour}
	w.Died(p, Death{At: at(0), Shapes: []string{"boom"}})
	if got := w.Died(p, Death{At: at(1), Shapes: []string{"boom"}}); len(got) != 1 || got[0].Quarantined(at(1)) || len(w.Refused()) != 0 {
		t.Errorf("%+v", got)
	}
	if got := w.Died(Policy{}, Death{At: at(2), Shapes: []string{"boom"}}); got != nil || len(w.deaths) != 0 {
		t.Errorf("switched off: %+v", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var w Watch
	p := Policy{Deaths: 1, Within: 1000 * time.Hour, Quarantine: 1000 * time.Hour}
	for i := range 2 * maxDeaths {
		var shapes []string
		for j := range 2 * maxShapes {
			shapes = append(shapes, fmt.Sprint(i, j))
		}
		w.Died(p, Death{At: at(float64(i)), Shapes: shapes, Culprit: shapes[0]})
	}
	if len(w.deaths) > maxDeaths || len(w.deaths[0].Shapes) > maxShapes || len(w.refused) > maxRefused {
		t.Errorf("%d deaths of %d shapes, %d refused", len(w.deaths), len(w.deaths[0].Shapes), len(w.refused))
	}
}
