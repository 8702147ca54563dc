package supervisor

import (
	"errors"
	"math/rand/v2"
	"os"
	"syscall"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// perform carries out one decision of the core.
func (m *master) perform(a fleet.Action) {
	switch a := a.(type) {
	case fleet.Spawn:
		m.spawn(a)
	case fleet.Drain:
		m.drain(a.ID, a.Reason)
	case fleet.Quit:
		m.quit(a.ID)
	case fleet.Abort:
		m.kill(a.ID, syscall.SIGABRT, a.Reason)
	case fleet.Kill:
		m.kill(a.ID, syscall.SIGKILL, a.Reason)
	case fleet.Note:
		m.note(a)
	case fleet.Reloaded:
		m.reloaded(a)
	case fleet.Up:
		m.up()
	case fleet.Exit:
		m.exit(a)
	}
}

// spawn starts a worker; a failure goes back to the core as an event.
func (m *master) spawn(a fleet.Spawn) {
	c, err := m.start(a)
	if err != nil {
		m.log.Error("cannot start worker", zap.Int("slot", a.Slot), zap.Error(err))
		m.step(fleet.SpawnFailed{ID: a.ID, Err: err.Error(), Roll: rand.Float64()})
		return
	}
	m.children[a.ID] = c
	if m.upgrading {
		m.bequeathLate(m.futureOrphan(c))
	}
	m.log.Debug("worker started", c.fields()...)
}

// quit asks a worker to leave at once. One that cannot be told is gone or
// wedged; both have their own event.
func (m *master) quit(id fleet.ID) {
	if c := m.children[id]; c != nil {
		c.awaited, c.reason = true, fleet.ReasonStop
		m.tell(id, handoff.Order{Kind: handoff.OrderQuit})
	}
}

// kill sends a signal and writes it in the child's ledger, so that its death is
// never blamed on somebody else.
func (m *master) kill(id fleet.ID, sig syscall.Signal, reason fleet.Reason) {
	c := m.children[id]
	if c == nil {
		return
	}
	c.reason = reason
	// A process that has just ended by itself needs no signal.
	if err := c.signal(sig, string(reason)); err != nil && !errors.Is(err, os.ErrProcessDone) {
		m.log.Warn("cannot signal worker", c.fields(zap.Stringer("signal", sig), zap.Error(err))...)
	}
}

// drainReason translates the core's reason into the contract's.
func drainReason(r fleet.Reason) handoff.DrainReason {
	switch r {
	case fleet.ReasonStop, fleet.ReasonPark:
		// A parked fleet has no siblings to answer what is queued.
		return handoff.DrainStop
	case fleet.ReasonRequests:
		return handoff.DrainRecycle
	case fleet.ReasonMemory:
		return handoff.DrainMemory
	case fleet.ReasonScale:
		return handoff.DrainScale
	case fleet.ReasonTimeout, fleet.ReasonSilent:
		return handoff.DrainTimeout
	default:
		return handoff.DrainReload
	}
}
