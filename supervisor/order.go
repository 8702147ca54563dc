package supervisor

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/logs"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// The orders of the control API. Each is the same deed as its signal; what they
// add is an answer.

func (d desk) Reload(ctx context.Context, wait bool) (control.Result, error) {
	return d.order(ctx, wait, begun("reload", "reading the configuration"), func(m *master, w waiter) {
		m.reload("asked for on the control socket", w)
	})
}

func (d desk) Upgrade(ctx context.Context, wait bool) (control.Result, error) {
	return d.order(ctx, wait, begun("upgrade", "starting a new master"), func(m *master, w waiter) { m.upgrade(w) })
}

func (d desk) Rollback(ctx context.Context, wait bool) (control.Result, error) {
	return d.order(ctx, wait, begun("rollback", "going back"), func(m *master, w waiter) { m.goBack(w) })
}

// order gives an order and waits for its end, or only until the loop has taken it.
// What is refused at once is answered at once, also to those who do not wait.
func (d desk) order(ctx context.Context, wait bool, now control.Result, give func(m *master, w waiter)) (control.Result, error) {
	r, err := await(ctx, d, func(m *master, reply chan<- control.Result) {
		give(m, reply)
		if !wait {
			waiters{reply}.send(now) // nothing, if it was answered
		}
	})
	return honoured(r, err)
}

// honoured turns a result that is a failure into the error of the contract.
// The result comes along, because it says which settings it was about.
func honoured(r control.Result, err error) (control.Result, error) {
	if err != nil || r.OK() {
		return r, err
	}
	code := control.CodeFailed
	if r.Outcome == control.OutcomeRejected || r.Outcome == control.OutcomeCalledOff {
		code = control.CodeRefused
	}
	return r, &control.Error{Code: code, Message: told(r)}
}

func (d desk) Scale(ctx context.Context, o control.ScaleOrder) (control.Result, error) {
	return honoured(ask(ctx, d, func(m *master) control.Result { return m.scaleTo(o) }))
}

func (m *master) scaleTo(o control.ScaleOrder) control.Result {
	before := len(m.fleet.View().Slots)
	delta := o.Delta
	if o.Workers != 0 {
		delta = o.Workers - before
	}
	if most := config.MostWorkers(); before+delta > most {
		return refusal("scale", fmt.Sprintf("cannot run %d workers: %d are the most", before+delta, most))
	}
	if delta == 0 {
		return done("scale", fmt.Sprintf("there are %d workers already", before))
	}
	if why := m.tried(fleet.Scale{Delta: delta}); why != "" {
		return refusal("scale", why)
	}
	text := fmt.Sprintf("from %d to %d workers", before, len(m.fleet.View().Slots))
	m.jot(control.KindScale, nil, text)
	return begun("scale", text)
}

// tried tells the core and returns why it refused; empty if it did not.
func (m *master) tried(e fleet.Event) (refused string) {
	m.refused = ""
	m.step(e)
	return m.refused
}

func (d desk) Recycle(ctx context.Context, o control.RecycleOrder) (control.Result, error) {
	r, err := ask(ctx, d, func(m *master) result { return m.recycle(o) })
	if err == nil {
		err = r.err
	}
	if err != nil {
		return r.Result, err
	}
	return honoured(r.Result, nil)
}

// result is a Result, or the reason why there is none.
type result struct {
	control.Result
	err error
}

// recycle asks for replacements; they take their turn like any planned one.
func (m *master) recycle(o control.RecycleOrder) result {
	n, found := 0, false
	for _, s := range m.fleet.View().Slots {
		if !o.All && s.Index != *o.Slot {
			continue
		}
		found = true
		if s.Current == nil || s.Current.State != fleet.StateReady {
			continue
		}
		if m.tried(fleet.RecycleDue{ID: s.Current.ID, Reason: fleet.ReasonOperator}) == "" {
			n++
			m.jot(control.KindRecycle, m.children[s.Current.ID], "to be replaced, on an operator's order")
		}
	}
	switch {
	case !found && !o.All:
		return result{err: &control.Error{
			Code: control.CodeNotFound, Message: fmt.Sprintf("cannot recycle slot %d: there is no such slot, see status", *o.Slot),
		}}
	case n == 0:
		return result{Result: refusal("recycle", "no worker is ready to be replaced, see status")}
	}
	return result{Result: begun("recycle", strconv.Itoa(n)+" to be replaced, one after the other")}
}

func (d desk) Drain(ctx context.Context) (control.Result, error) {
	return honoured(ask(ctx, d, (*master).drainAll))
}

// drainAll lets every worker finish and leave; the master stays.
func (m *master) drainAll() control.Result {
	// A reload that is still being read would bring the workers back.
	m.callOffReload()
	if why := m.tried(fleet.Park{}); why != "" {
		return refusal("drain", why)
	}
	m.jot(control.KindDrain, nil, "all workers finish and leave; a reload or a scale brings them back")
	return begun("drain", "all workers finish what they have and leave; a reload or a scale brings them back")
}

func (d desk) LogLevel(ctx context.Context, o control.LevelOrder) (control.Result, error) {
	level, err := logs.ParseLevel(o.Level)
	if err != nil {
		return control.Result{}, &control.Error{Code: control.CodeUsage, Message: oneLine(err)}
	}
	return ask(ctx, d, func(m *master) control.Result {
		was := m.level.Level()
		m.logLevel = level.String()
		m.log.Info("log level changes", zap.Stringer("from", was), zap.Stringer("to", level))
		m.level.SetLevel(level)
		for _, c := range m.children {
			if err := c.send(handoff.Order{Kind: handoff.OrderLogLevel, LogLevel: m.logLevel}); err != nil {
				m.log.Warn("cannot tell worker the log level", c.fields(zap.Error(err))...)
			}
		}
		text := fmt.Sprintf("from %s to %s, until the next reload", was, level)
		m.jot(control.KindLogLevel, nil, "the log level changes "+text)
		return done("log-level", text)
	})
}

func done(order, text string) control.Result {
	now := time.Now()
	return control.Result{Order: order, Outcome: control.OutcomeDone, Text: text, Began: now, Ended: now}
}

// Plan reads the configuration and compares; nothing changes.
func (d desk) Plan(ctx context.Context) (control.Plan, error) {
	type basis struct {
		load    func() (*config.Resolved, error)
		current *config.Resolved
	}
	b, err := ask(ctx, d, func(m *master) basis { return basis{m.reread(), m.current} })
	if err != nil {
		return control.Plan{}, err
	}
	next, err := withCerts(b.load)
	if err != nil {
		return control.Plan{}, &control.Error{Code: control.CodeRefused, Message: "a reload would be rejected: " + oneLine(err)}
	}
	p := control.Plan{Config: next.File, Changes: changesOf(b.current, next.Resolved), Warnings: append(next.certs.Warnings(time.Now()), next.Hints...)}
	for _, s := range config.ShadowedEdits(b.current, next.Resolved) {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s: %s = %s has no effect, %s wins", s.Where, s.Name, s.Value, s.Winner))
	}
	return p, nil
}
