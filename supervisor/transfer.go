package supervisor

import (
	"encoding/json"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
	"github.com/webchasor/webchasor/supervisor/spread"
)

// introduce makes a private pair for each target: the receiving end goes to
// the target at once, the sending ends are returned, in order, and are the caller's
// to pass on and to close. A target that cannot be told is left out.
func (m *master) introduce(targets []spread.Worker) (named []handoff.Target, ends []int) {
	for _, t := range targets {
		c := m.children[t.ID]
		if c == nil {
			continue
		}
		sending, receiving, err := sys.ControlPair()
		if err != nil {
			m.log.Warn("cannot make a transfer pair", zap.Error(err))
			return named, ends
		}
		err = c.sendWith(handoff.Order{Kind: handoff.OrderTake}, receiving)
		_ = sys.CloseFD(receiving)
		if err != nil {
			_ = sys.CloseFD(sending)
			m.log.Debug("cannot introduce a worker", c.fields(zap.Error(err))...)
			continue
		}
		named = append(named, handoff.Target{Slot: c.slot, PID: c.pid})
		ends = append(ends, sending)
	}
	return named, ends
}

// drain lets a worker go. Unless the whole service stops, it passes its
// connections on to workers that stay.
func (m *master) drain(id fleet.ID, reason fleet.Reason) {
	c := m.children[id]
	if c == nil {
		return
	}
	order := handoff.Order{Kind: handoff.OrderDrain, Reason: drainReason(reason)}
	c.reason = reason
	if order.Reason == handoff.DrainStop {
		c.awaited = true
		m.sendDrain(c, reason, order, nil)
		return
	}
	now := time.Now()
	m.direct(now) // new connections go elsewhere first
	m.bequeathTo(c, order, spread.Heirs(c.slot, m.healthy(now)))
}

// bequeathTo sends a drain order with the heirs it names.
func (m *master) bequeathTo(c *child, order handoff.Order, heirs []spread.Worker) {
	var ends []int
	order.Targets, ends = m.introduce(heirs)
	defer closeAll(ends)
	c.heirs = idsOf(heirs)
	m.sendDrain(c, c.reason, order, ends)
}

func idsOf(workers []spread.Worker) []fleet.ID {
	ids := make([]fleet.ID, 0, len(workers))
	for _, w := range workers {
		ids = append(ids, w.ID)
	}
	return ids
}

// renewHeirs names new heirs to workers that still have connections while all
// whom they were given have left themselves: with reloads in quick
// succession, a long response outlives its heirs.
func (m *master) renewHeirs(healthy []spread.Worker) {
	lives := make(map[fleet.ID]bool, len(healthy))
	for _, w := range healthy {
		lives[w.ID] = true
	}
	for _, c := range m.children {
		if len(c.heirs) == 0 || len(healthy) == 0 || c.board.Snapshot().Connections == 0 ||
			slices.ContainsFunc(c.heirs, func(id fleet.ID) bool { return lives[id] }) {
			continue
		}
		m.bequeathTo(c, handoff.Order{Kind: handoff.OrderDrain, Reason: drainReason(c.reason)}, spread.Heirs(c.slot, healthy))
	}
	for _, o := range m.orphans {
		if len(o.heirs) > 0 && len(healthy) > 0 && o.board != nil && o.board.Snapshot().Connections > 0 &&
			!slices.ContainsFunc(o.heirs, func(id fleet.ID) bool { return lives[id] }) {
			m.renewOrphan(o, healthy)
		}
	}
}

func (m *master) sendDrain(c *child, reason fleet.Reason, o handoff.Order, ends []int) {
	c.reason = reason
	m.log.Info("draining worker", c.fields(zap.String("reason", string(o.Reason)), zap.Int("heirs", len(o.Targets)))...)
	if err := c.sendWith(o, ends...); err != nil {
		m.log.Warn("cannot tell worker to drain", c.fields(zap.Error(err))...)
	}
}

// sendWith writes one packet with descriptors beside it.
func (c *child) sendWith(o handoff.Order, fds ...int) error {
	packet, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return c.control.TrySendFDs(packet, fds...)
}
