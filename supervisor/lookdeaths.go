package supervisor

import (
	"context"
	"errors"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/supervisor/autopsy"
)

// reportLimit bounds the text of a record that is shown, in bytes.
const reportLimit = 1 << 20

// records waits for the records of deaths that have just happened, so that
// what an event names can be read at once.
func (d desk) records(ctx context.Context) (*autopsy.Store, error) {
	type place struct {
		store *autopsy.Store
		queue *undertaker
	}
	p, err := ask(ctx, d, func(m *master) place { return place{m.deaths, m.undertaker} })
	if err != nil {
		return nil, err
	}
	p.queue.flush(undertakerFlush) // a slow disk is no reason to show nothing
	return p.store, nil
}

// Deaths are the records that are kept, in short. It reads files.
func (d desk) Deaths(ctx context.Context) (control.Deaths, error) {
	store, err := d.records(ctx)
	if err != nil {
		return control.Deaths{}, err
	}
	list, err := store.List(0)
	if err != nil {
		return control.Deaths{}, &control.Error{Code: control.CodeFailed, Message: err.Error()}
	}
	return control.Deaths{Dir: store.Dir(), Deaths: list}, nil
}

// Death is one of them, found by its id, a part of it, or "last".
func (d desk) Death(ctx context.Context, id string) (control.DeathRecord, error) {
	store, err := d.records(ctx)
	if err != nil {
		return control.DeathRecord{}, err
	}
	r, text, err := store.Read(id)
	switch {
	case errors.Is(err, autopsy.ErrNoRecord):
		return control.DeathRecord{}, &control.Error{Code: control.CodeNotFound, Message: err.Error()}
	case err != nil:
		return control.DeathRecord{}, &control.Error{Code: control.CodeFailed, Message: err.Error()}
	}
	return control.DeathRecord{Death: r.Brief(), Report: r.Text(reportLimit), Record: text}, nil
}
