package worker

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/scoreboard"
)

// life is the state of the worker.
type life uint8

const (
	lifeServing  life = iota
	lifeDraining      // accepts nothing new, finishes what it has
	lifeDone          // nothing is left, or nothing is waited for
)

// drainSignal: somebody sent SIGTERM to the worker itself.
const drainSignal handoff.DrainReason = "SIGTERM"

// quitWait is how long an application may take to close in a quick stop, and
// closeMin the least it gets in a drain.
const (
	quitWait = 500 * time.Millisecond
	closeMin = time.Second
)

// stopLinger is how long a service that stops waits for silent clients: a request that is
// on its way arrives within it. net/http's Shutdown waits as long for connections that never
// spoke. Other drains can wait longer, because others serve on meanwhile.
const stopLinger = 5 * time.Second

// plan is the timetable of a drain.
type plan struct{ lingered, silent, graceful, stream time.Duration }

func planFrom(start time.Duration, s config.Settings) *plan {
	return &plan{
		lingered: start + min(s.Keepalive, s.GracefulTimeout),
		silent:   start + s.GracefulTimeout,
		graceful: start + s.GracefulTimeout,
		stream:   start + max(s.StreamTimeout, s.GracefulTimeout),
	}
}

// stopping is the plan when the service as a whole stops from now on.
func (p plan) stopping(now time.Duration) *plan {
	p.silent = min(p.silent, now+stopLinger)
	p.lingered = min(p.lingered, p.silent)
	return &p
}

// at is the phase at now; a nil plan is a worker that serves.
func (p *plan) at(now time.Duration) phase {
	switch {
	case p == nil:
		return phaseServing
	case now >= p.stream:
		return phaseStream
	case now >= p.graceful:
		return phaseGraceful
	case now >= p.silent:
		return phaseSilent
	case now >= p.lingered:
		return phaseLingered
	}
	return phaseDraining
}

// drain begins to leave: accepting stops, the rest is the watchdog's timetable.
// A worker drains only once; a later stop order only wants to hear that the
// queues are empty, and a later drain order brings new targets. With m,
// connections leave for other workers; without, or when nobody takes them any
// more, each is closed after its next response.
func (c *core) drain(reason handoff.DrainReason, m *mover) {
	closes := reason == handoff.DrainStop || reason == handoff.DrainOrphan
	c.owesWord = c.owesWord || closes
	if reason == handoff.DrainOrphan && c.accepting > 0 {
		c.hurry = time.After(handoff.OrphanSweep)
	}
	if c.life != lifeServing {
		c.o.Logger.Debug("already draining", zap.String("reason", string(reason)), zap.Bool("new_targets", m != nil))
		switch {
		case reason == handoff.DrainStop: // nobody stays to take connections; an orphan's heirs do
			c.plan.Store(c.plan.Load().stopping(c.t.clock.Now()))
			c.t.sayGoodbye()
		case m == nil:
		case c.life == lifeDone || c.owesWord:
			m.discard()
		default: // the targets of before have left themselves
			m.drains = true
			c.startMover(m)
		}
		return
	}
	c.life, c.reason = lifeDraining, reason
	now := c.t.clock.Now()
	p := planFrom(now, c.o.Settings)
	if reason == handoff.DrainStop {
		p = p.stopping(now)
	}
	c.plan.Store(p)
	c.t.leaving.Store(true)
	c.t.retireShared()
	c.t.board.SetState(scoreboard.StateDraining)
	close(c.o.Draining)
	close(c.closing)
	c.o.Logger.Info("draining", zap.String("reason", string(reason)), zap.Int("connections", c.t.conns.count()))
	if !closes {
		for _, d := range c.gate.doors() {
			if d.slot != ownSlot {
				d.release()
			}
		}
	}
	budget := time.Duration(0)
	if closes {
		budget = handoff.SweepBudget(c.o.Settings.GracefulTimeout)
	}
	c.gate.stop(budget)
	if m == nil {
		c.t.sayGoodbye()
		return
	}
	m.drains = true
	c.startMover(m)
}

// freePort ends the sweep of the queues: the next master waits for the port.
func (c *core) freePort() {
	for _, d := range c.gate.doors() {
		d.release()
	}
}

// unaccepted notes that one listener is no longer served.
func (c *core) unaccepted(e ended) {
	c.accepting--
	c.gate.forget(e.door)
	if e.err != nil {
		c.o.Logger.Debug("accepting ended", zap.Error(e.err))
	}
	if c.accepting == 0 && c.life == lifeServing {
		// In a quick stop the master ends the listening before its order is read.
		c.o.Logger.Info("no listening socket is left: waiting for orders")
	}
}

// settle does what the new situation allows.
func (c *core) settle() {
	if c.life != lifeDraining || c.accepting > 0 || c.takers > 0 {
		return
	}
	c.gate.closeListeners() // nothing the second time
	if c.owesWord {
		c.owesWord = false
		c.o.Report(handoff.Report{Kind: handoff.ReportClosed})
	}
	if c.t.conns.count() == 0 {
		c.life = lifeDone
	}
}

// abandon ends a drain that only waits for handlers which do not return. Their
// stacks are worth keeping when they are the reason for the drain.
func (c *core) abandon(requests []string) {
	c.o.Logger.Warn("leaving although handlers have not returned",
		zap.String("reason", string(c.reason)), zap.Strings("requests", requests))
	if c.reason == handoff.DrainTimeout {
		c.o.Abort()
	}
	c.life = lifeDone
}

// quit leaves at once.
func (c *core) quit() {
	if c.life == lifeServing {
		c.gate.stop(0)
		close(c.o.Draining)
		close(c.closing)
	}
	c.t.sayGoodbye()
	c.life, c.quick = lifeDone, true
	c.gate.closeListeners()
	list := c.t.conns.snapshot(nil)
	c.o.Logger.Info("quitting", zap.Int("connections", len(list)))
	for _, conn := range list {
		conn.mu.Lock()
		conn.endContext(ErrDraining)
		conn.mu.Unlock()
		_ = conn.drop().Close()
	}
}

// closeApp calls the application's Close within what is left of the drain's budget.
func (c *core) closeApp() {
	if c.o.App.Close == nil {
		return
	}
	wait := quitWait
	if p := c.plan.Load(); p != nil && !c.quick {
		wait = max(p.graceful-c.t.clock.Now(), closeMin)
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), wait, ErrDraining)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- guarded("close", func() error { return c.o.App.Close(ctx) }) }()
	select {
	case err := <-done:
		if err != nil {
			c.o.Logger.Error("the application's close failed", zap.Error(err))
		}
	case <-ctx.Done():
		c.o.Logger.Warn("the application's close took too long", zap.Duration("limit", wait))
	}
}

// guarded turns a panic of the application into an error.
func guarded(what string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic in %s: %v\n%s", what, v, debug.Stack())
		}
	}()
	return f()
}
