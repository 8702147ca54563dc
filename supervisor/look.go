package supervisor

import (
	"context"
	"time"

	"github.com/webchasor/webchasor/internal/control"
)

// The questions of the control API.

func (d desk) Status(ctx context.Context) (control.Status, error) {
	s, err := ask(ctx, d, func(m *master) control.Status { return m.status(time.Now()) })
	if err == nil {
		d.scales.weigh(s.Workers, time.Now())
	}
	return s, err
}

func (d desk) Health(ctx context.Context) (control.Health, error) {
	return ask(ctx, d, func(m *master) control.Health { return m.status(time.Now()).Health })
}

func (d desk) Requests(ctx context.Context, limit int) (control.Requests, error) {
	return ask(ctx, d, func(m *master) control.Requests { return m.requests(time.Now(), limit) })
}

// Events does not need the loop: the journal is for everybody.
func (d desk) Events(seq uint64) (control.Events, <-chan struct{}) { return d.journal.Since(seq) }
