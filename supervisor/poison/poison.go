// Package poison finds requests that kill workers: a kind of request that was
// in flight in several deaths within a while is named, and, if the operator
// wants that, kept away from the workers for some time.
//
// It is pure: no clock, no I/O. The times come from outside, and the caller
// carries out what is decided. One goroutine owns a [Watch].
package poison

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Policy is what the operator wants.
type Policy struct {
	Deaths     int           // so many deaths name a shape; 0 is off
	Within     time.Duration // of so long a time
	Quarantine time.Duration // how long a named shape is refused; 0 is never
}

// Death is one abnormal death that a request may have caused.
type Death struct {
	At     time.Time
	Shapes []string // of the requests in flight; "" and repetitions are ignored
	// Culprit is the shape that the record blames, "" if it cannot tell.
	Culprit string
}

// Suspect is a shape with what speaks against it.
type Suspect struct {
	Shape  string
	Deaths int // in which it was in flight
	Of     int // of so many deaths remembered
	// Blame is the sum of its shares: a death counts 1 for the shape that the
	// record blames, else it is shared between all that were in flight.
	Blame       float64
	First, Last time.Time
	Until       time.Time // of its quarantine; zero without
}

// Quarantined says whether it is refused at a time.
func (s Suspect) Quarantined(now time.Time) bool { return now.Before(s.Until) }

// Bounds against a service that dies all the time.
const (
	maxDeaths  = 100
	maxShapes  = 32 // of one death
	maxNamed   = 3  // at one death
	maxRefused = 16
)

// Watch remembers the deaths of the last while. The zero value is ready.
type Watch struct {
	deaths  []Death              // the oldest first
	refused map[string]time.Time // shape to end of quarantine
}

// Died takes note of a death and returns the shapes in it that are poison by
// the policy, the worst first. Those to be refused from now on have an Until
// in the future and are in [Watch.Refused] already.
//
// Shapes that merely are always there, such as the one route that everybody
// uses, would be named with every real culprit. So only those with at least
// half the blame of the worst are, and a quarantine needs more: no other shape
// with as much blame, and at least half of each of its deaths on average.
func (w *Watch) Died(p Policy, d Death) []Suspect {
	if p.Deaths < 1 {
		*w = Watch{}
		return nil
	}
	d.Shapes = distinct(d.Shapes)
	w.deaths = append(w.deaths, d)
	w.forget(p, d.At)
	suspects := w.suspects(p, d.Shapes)
	if len(suspects) == 0 {
		return nil
	}
	worst := suspects[0]
	suspects = slices.DeleteFunc(suspects, func(s Suspect) bool { return s.Blame < worst.Blame/2 })
	alone := len(suspects) == 1 || suspects[1].Blame < worst.Blame
	if p.Quarantine > 0 && alone && worst.Blame >= float64(worst.Deaths)/2 && w.refuse(worst.Shape, d.At.Add(p.Quarantine)) {
		suspects[0].Until = d.At.Add(p.Quarantine)
	}
	return suspects[:min(len(suspects), maxNamed)]
}

// refuse begins or prolongs a quarantine; false if there are too many.
func (w *Watch) refuse(shape string, until time.Time) bool {
	if _, known := w.refused[shape]; !known && len(w.refused) >= maxRefused {
		return false
	}
	if w.refused == nil {
		w.refused = make(map[string]time.Time)
	}
	w.refused[shape] = until
	return true
}

// Suspects are all shapes that are poison by the policy now, the worst first,
// and those in quarantine.
func (w *Watch) Suspects(p Policy, now time.Time) []Suspect {
	if p.Deaths < 1 {
		return nil
	}
	w.forget(p, now)
	var all []string
	for _, d := range w.deaths {
		all = append(all, d.Shapes...)
	}
	slices.Sort(all)
	list := w.suspects(p, slices.Compact(all))
	for shape, until := range w.refused {
		if !slices.ContainsFunc(list, func(s Suspect) bool { return s.Shape == shape }) {
			list = append(list, Suspect{Shape: shape, Of: len(w.deaths), Until: until})
		}
	}
	return list
}

// Refused are the shapes in quarantine and until when, sorted by shape.
func (w *Watch) Refused() []Suspect {
	list := make([]Suspect, 0, len(w.refused))
	for _, shape := range slices.Sorted(maps.Keys(w.refused)) {
		list = append(list, Suspect{Shape: shape, Until: w.refused[shape]})
	}
	return list
}

// Release ends the quarantines that are over, or all when the policy has none
// any more, and returns their shapes.
func (w *Watch) Release(p Policy, now time.Time) (released []string) {
	for _, shape := range slices.Sorted(maps.Keys(w.refused)) {
		if p.Deaths < 1 || p.Quarantine <= 0 || !now.Before(w.refused[shape]) {
			delete(w.refused, shape)
			released = append(released, shape)
		}
	}
	if len(released) > 0 {
		// What it did before must not bring it back at the next death of another kind.
		for i := range w.deaths {
			w.deaths[i].Shapes = slices.DeleteFunc(slices.Clone(w.deaths[i].Shapes), func(s string) bool { return slices.Contains(released, s) })
		}
	}
	return released
}

// forget drops deaths that are too old, or too many.
func (w *Watch) forget(p Policy, now time.Time) {
	w.deaths = slices.DeleteFunc(w.deaths, func(d Death) bool { return now.Sub(d.At) > p.Within })
	if n := len(w.deaths) - maxDeaths; n > 0 {
		w.deaths = slices.Delete(w.deaths, 0, n)
	}
}

// suspects are those of the given shapes with enough deaths, the most blamed first.
func (w *Watch) suspects(p Policy, shapes []string) []Suspect {
	var list []Suspect
	for _, shape := range shapes {
		s := Suspect{Shape: shape, Of: len(w.deaths), Until: w.refused[shape]}
		for _, d := range w.deaths {
			if !slices.Contains(d.Shapes, shape) {
				continue
			}
			if s.Deaths == 0 {
				s.First = d.At
			}
			s.Deaths++
			s.Last = d.At
			s.Blame += d.share(shape)
		}
		if s.Deaths >= p.Deaths {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b Suspect) int {
		return cmp.Or(cmp.Compare(b.Blame, a.Blame), cmp.Compare(b.Deaths, a.Deaths), cmp.Compare(a.Shape, b.Shape))
	})
	return list
}

// share is how much of this death is a shape's.
func (d Death) share(shape string) float64 {
	switch {
	case d.Culprit == shape:
		return 1
	case d.Culprit != "":
		return 0
	default:
		return 1 / float64(len(d.Shapes))
	}
}

func distinct(shapes []string) []string {
	var list []string
	for _, s := range shapes {
		if s != "" && len(list) < maxShapes && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
