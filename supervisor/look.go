package supervisor

import (
	"context"
	"slices"
	"time"

	"github.com/webchasor/webchasor/internal/control"
)

// The questions of the control API.

func (d desk) Status(ctx context.Context) (control.Status, error) {
	s, err := ask(ctx, d, func(m *master) control.Status { return m.look(time.Now()) })
	if err == nil {
		s.Workers = slices.Clone(s.Workers) // the kept one is for others to read
		d.scales.weigh(s.Workers, time.Now())
	}
	return s, err
}

func (d desk) Health(ctx context.Context) (control.Health, error) {
	s, err := d.glimpse(ctx)
	return s.Health, err
}

func (d desk) Requests(ctx context.Context, limit int) (control.Requests, error) {
	return ask(ctx, d, func(m *master) control.Requests { return m.requests(time.Now(), limit) })
}

// Events does not need the loop: the journal is for everybody.
func (d desk) Events(seq uint64) (control.Events, <-chan struct{}) { return d.journal.Since(seq) }
