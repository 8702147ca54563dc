package supervisor

import (
	"context"
	"slices"
	"time"

	"github.com/webchasor/webchasor/internal/control"
)

// glanceFor is how old a status may be that the admin address shows. Scrapes, probes,
// the sampler and every open dashboard share one, so that their number is no load
// on the loop. What the core decides and what becomes an event is seen at once.
const glanceFor = 200 * time.Millisecond

// glance is the latest status, with what it was made from.
type glance struct {
	status    control.Status
	decisions uint64
}

// look makes a status and keeps it.
func (m *master) look(now time.Time) control.Status {
	m.glance = glance{m.status(now), m.decisions}
	return m.glance.status
}

// glimpse is a status that several share: whoever gets it changes nothing in it.
func (m *master) glimpse(now time.Time) control.Status {
	g := &m.glance
	if age := now.Sub(g.status.Time); age >= 0 && age < glanceFor && g.decisions == m.decisions && g.status.Seq == m.journal.Seq() {
		return g.status
	}
	return m.look(now)
}

// glimpse asks for a shared status.
func (d desk) glimpse(ctx context.Context) (control.Status, error) {
	return ask(ctx, d, func(m *master) control.Status { return m.glimpse(time.Now()) })
}

// publicDesk is the desk for the admin address, where many may look at once.
type publicDesk struct{ desk }

// Status is a shared one, with the memory of the workers.
func (d publicDesk) Status(ctx context.Context) (control.Status, error) {
	s, err := d.glimpse(ctx)
	if err == nil {
		s.Workers = slices.Clone(s.Workers) // the rest is shared
		d.scales.weigh(s.Workers, time.Now())
	}
	return s, err
}
