package cli

import (
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/webchasor/webchasor/internal/control"
)

// goal judges a status: whether an order has reached its end, or why it never will.
// Boot failures are looked for only in the slots that concern it.
type goal struct {
	reached  func(s control.Status) (yes bool, never string)
	concerns func(slot int) bool
}

// lookEvery is the pace of waiting for an order without an answer of its own.
const lookEvery = 100 * time.Millisecond

// followed gives an order that is answered at its beginning and, with --wait, follows
// it to its end. The master tries again for ever when a worker does not boot; who
// waits wants to know at the first time.
func (m *remote) followed(c *cli.Context, give func() (control.Result, error), to func(before, after control.Status) goal) error {
	if !c.Bool("wait") {
		return m.result(give())
	}
	before, err := m.Status(m.ctx)
	if err != nil {
		return err
	}
	quiet := m.progress()
	r, err := give()
	if err == nil {
		r, err = m.until(r, before, to)
	}
	quiet(false)
	return m.result(r, err)
}

// until looks until the goal is reached or cannot be.
func (m *remote) until(r control.Result, before control.Status, to func(before, after control.Status) goal) (control.Result, error) {
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	var g goal
	for first := true; ; first = false {
		s, err := m.Status(m.ctx)
		if err != nil {
			return r, err
		}
		if first {
			g = to(before, s)
		}
		yes, never := g.reached(s)
		if !yes && never == "" {
			never, err = m.bootFailure(before.Seq, g)
		}
		switch {
		case err != nil:
			return r, err
		case yes:
			r.Outcome, r.Ended = control.OutcomeDone, s.Time
			return r, nil
		case never != "":
			r.Outcome, r.Text, r.Ended = control.OutcomeFailed, never, s.Time
			return r, &control.Error{Code: control.CodeFailed, Message: fmt.Sprintf("cannot finish the %s: %s", r.Order, never)}
		}
		select {
		case <-again.C:
		case <-m.ctx.Done():
			return r, m.ctx.Err()
		}
	}
}

// bootFailure names the first worker that did not boot, or fell over at once, since an event.
func (m *remote) bootFailure(since uint64, g goal) (why string, err error) {
	if g.concerns == nil {
		return "", nil
	}
	happened, err := m.Events(m.ctx, since)
	if err != nil {
		return "", err
	}
	for _, e := range happened.Events {
		if (e.Kind == control.KindBoot || e.Kind == control.KindBackoff) && e.Slot != nil && g.concerns(*e.Slot) {
			return fmt.Sprintf("slot %d: %s; the master goes on trying, see status and events", *e.Slot, e.Text), nil
		}
	}
	return "", nil
}

// scaled is reached when as many workers serve as were ordered, and no more live.
func scaled(_, after control.Status) goal {
	wanted := after.Wanted
	return goal{
		reached: func(s control.Status) (bool, string) {
			switch {
			case s.Phase == control.PhaseStopping:
				return false, "the service stops"
			case s.Wanted != wanted:
				return false, fmt.Sprintf("a later order wants %d workers, not %d", s.Wanted, wanted)
			}
			return s.Ready == wanted && len(s.Workers) == wanted, ""
		},
		concerns: func(slot int) bool { return slot < wanted },
	}
}

// recycled is reached when the workers of before are gone from the slots ordered, and
// others serve there.
func recycled(o control.RecycleOrder) func(before, after control.Status) goal {
	concerns := func(slot int) bool { return o.All || slot == *o.Slot }
	return func(before, _ control.Status) goal {
		var old []int
		for _, w := range before.Workers {
			if concerns(w.Slot) && w.PID != 0 {
				old = append(old, w.PID)
			}
		}
		return goal{concerns: concerns, reached: func(s control.Status) (bool, string) {
			switch {
			case s.Phase == control.PhaseStopping:
				return false, "the service stops"
			case s.Wanted == 0:
				return false, "the workers were drained meanwhile"
			}
			for _, w := range s.Workers {
				if concerns(w.Slot) && (slices.Contains(old, w.PID) || w.State == control.StateAbsent || w.State == control.StateBooting) {
					return false, ""
				}
			}
			return true, ""
		}}
	}
}

// drained is reached when no worker is left.
func drained(_, _ control.Status) goal {
	return goal{reached: func(s control.Status) (bool, string) {
		if s.Wanted > 0 && s.Phase != control.PhaseStopping {
			return false, fmt.Sprintf("a reload or a scale wants %d workers again", s.Wanted)
		}
		return len(s.Workers) == 0, ""
	}}
}
