package supervisor

import (
	"fmt"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/shape"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/autopsy"
	"github.com/webchasor/webchasor/supervisor/poison"
)

func (m *master) poisonPolicy() poison.Policy {
	p := m.current.Settings.Poison
	return poison.Policy{Deaths: p.Deaths, Within: p.Within, Quarantine: p.Quarantine}
}

// blamesRequests: deaths of these causes may be the work of a request. Nobody
// is to blame for a signal from outside or for a planned end.
func blamesRequests(c autopsy.Cause) bool {
	switch c {
	case autopsy.CausePanic, autopsy.CauseFatal, autopsy.CauseExit, autopsy.CauseTimeout, autopsy.CauseOOM, autopsy.CauseUnknown:
		return true
	}
	return false
}

// blame asks whether the requests of a death were there in earlier deaths
// too, says so loudly, and returns what the record should say.
func (m *master) blame(c *child, r autopsy.Record) (seen []string) {
	if !blamesRequests(r.Verdict.Cause) || len(r.InFlight) == 0 {
		return nil
	}
	d := poison.Death{At: r.Time}
	for _, q := range r.InFlight {
		d.Shapes = append(d.Shapes, shape.Of(q.Method, q.Path))
	}
	if q, ok := r.Culprit(); ok {
		d.Culprit = shape.Of(q.Method, q.Path)
	}
	policy := m.poisonPolicy()
	for _, s := range m.poison.Died(policy, d) {
		text := fmt.Sprintf("%s was in flight in %d of the last %d deaths within %s", s.Shape, s.Deaths, s.Of, policy.Within)
		if s.Quarantined(r.Time) {
			m.poison.changed(m.clock)
			text += fmt.Sprintf("; it is refused with 503 until %s", s.Until.Format(time.TimeOnly))
		}
		seen = append(seen, text)
		m.log.Warn("the same kind of request keeps killing workers", c.fields(
			zap.String("request", s.Shape), zap.Int("deaths", s.Deaths), zap.Int("of", s.Of),
			zap.Duration("within", policy.Within), zap.Bool("quarantined", s.Quarantined(r.Time)), zap.String("record", r.ID()))...)
		m.jot(control.KindPoison, c, text, "request", s.Shape, "deaths", strconv.Itoa(s.Deaths),
			"quarantined", strconv.FormatBool(s.Quarantined(r.Time)))
	}
	m.tellRefused()
	return seen
}

// releasePoison ends quarantines whose time is over, and brings workers up to
// date that could not be told before.
func (m *master) releasePoison(now time.Time) {
	if m.poison.version == 0 {
		return // there never was one
	}
	released := m.poison.Release(m.poisonPolicy(), now)
	for _, kind := range released {
		m.log.Info("a kind of request is let in again", zap.String("request", kind))
		m.jot(control.KindPoison, nil, kind+" is let in again", "request", kind, "quarantined", "false")
	}
	if len(released) > 0 {
		m.poison.changed(m.clock)
	}
	m.tellRefused()
}

// poisonWatch adds to the core what the workers were told.
type poisonWatch struct {
	poison.Watch
	list    []handoff.Refusal
	version int // of list; 0 before the first quarantine
}

// changed makes the list anew. Its times go to other processes, so they are the clock's.
func (w *poisonWatch) changed(clock sys.Clock) {
	w.list, w.version = nil, w.version+1
	for _, s := range w.Refused() {
		w.list = append(w.list, handoff.Refusal{Shape: s.Shape, Until: clock.Of(s.Until)})
	}
}

// tellRefused gives the list to the workers that do not have it. One that does
// not take the order gets it at the next look; a worker ends every quarantine
// in time by itself.
func (m *master) tellRefused() {
	for _, c := range m.children {
		if c.refuses == m.poison.version || c.ready.IsZero() {
			continue // while it boots it might not listen
		}
		if c.send(handoff.Order{Kind: handoff.OrderRefuse, Refuse: m.poison.list}) == nil {
			c.refuses = m.poison.version
		}
	}
}

// poisoned is what the status says.
func (m *master) poisoned(now time.Time) (list []control.PoisonedShape) {
	for _, s := range m.poison.Suspects(m.poisonPolicy(), now) {
		list = append(list, control.PoisonedShape{
			Shape: s.Shape, Deaths: s.Deaths, First: s.First, Last: s.Last,
			Quarantined: s.Quarantined(now), Until: s.Until,
		})
	}
	return list
}

// warnPoisoned is the same as warnings.
func warnPoisoned(list []control.PoisonedShape) (all []control.Warning) {
	for _, p := range list {
		text := fmt.Sprintf("%s was in flight in %d deaths of workers lately", p.Shape, p.Deaths)
		if p.Quarantined {
			text = fmt.Sprintf("%s keeps killing workers and is refused with 503 until %s", p.Shape, p.Until.Format(time.TimeOnly))
		}
		all = append(all, control.Warning{Kind: "poison", Text: text})
	}
	return all
}
