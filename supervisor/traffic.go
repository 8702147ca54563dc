package supervisor

import (
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/steer"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
	"github.com/webchasor/webchasor/supervisor/spread"
)

const (
	// abandonedAfter is how long a slot may be without a healthy worker before
	// another one looks after its queue. A respawn takes less.
	abandonedAfter = 100 * time.Millisecond
	// balanceEvery is the pace at which long-lived connections are evened out.
	balanceEvery = time.Second
	// steerWarnEvery is how often weights that the kernel does not take are told of;
	// they are tried many times a second.
	steerWarnEvery = 10 * time.Second
)

// traffic is what the master knows about where connections go.
type traffic struct {
	pacer     steer.Pacer
	estimator steer.Estimator
	observed  time.Time     // when the totals were last read
	interval  time.Duration // until they are read again
	opened    uint64        // connections ever held by the workers that live
	gone      uint64        // and by those that do not
	stale     bool          // somebody got ready or went: do not wait for the next sample
	attached  []uint32      // the weights in force
	refused   time.Time     // when the log last said that the kernel does not take them
	adopted   map[int]fleet.ID
	absent    map[int]time.Time // since when a slot has no healthy worker
	balanced  time.Time
}

// healthy are the workers that accept: ready, not asked to go, and beating. Of
// two in one slot it is the newer one.
func (m *master) healthy(now time.Time) []spread.Worker {
	newest := make(map[int]spread.Worker)
	for id, c := range m.children {
		if c.ready.IsZero() || c.reason != "" {
			continue
		}
		snap := c.board.Snapshot()
		if snap.State != scoreboard.StateReady || now.Sub(m.clock.At(snap.Beat)) > suspectAfter {
			continue
		}
		if w, ok := newest[c.slot]; ok && w.ID > id {
			continue
		}
		newest[c.slot] = spread.Worker{
			ID: id, Slot: c.slot, Connections: snap.Connections,
			Capacity: m.settingsOf(c.generation).WorkerConnections,
		}
	}
	list := make([]spread.Worker, 0, len(newest))
	for _, w := range newest {
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b spread.Worker) int { return a.Slot - b.Slot })
	return list
}

// slots is how many slot sockets there are, parked ones included.
func (m *master) slots() int {
	n := 0
	for i := range m.sockets {
		if s := &m.sockets[i]; s.Sharded {
			n = max(n, len(s.FDs))
		}
	}
	return n
}

// direct brings the kernel's choice for new connections, and who looks after
// whose queue, in line with the workers' health and load.
func (m *master) direct(now time.Time) {
	m.traffic.stale = false
	// A new master leaves the kernel's choice to the old one until it serves.
	if m.stopping || m.upgrader.HasParent() && !m.serving {
		return
	}
	healthy := m.healthy(now)
	m.renewHeirs(healthy)
	if m.slots() > 0 {
		m.lookAfter(now, healthy)
		m.attach(m.weights(healthy))
	}
}

// weights turns the scoreboards into shares of the new connections. A worker
// that leaves passes its connections to its slot's next one, so both count.
func (m *master) weights(healthy []spread.Worker) []uint32 {
	loads := make([]steer.Load, m.slots())
	for slot := range loads {
		_, adopted := m.traffic.adopted[slot]
		loads[slot] = steer.Load{Slot: slot, Adopted: adopted, Connections: m.queued(slot)}
	}
	for _, c := range m.children {
		if c.slot < len(loads) {
			loads[c.slot].Connections += c.board.Snapshot().Connections
		}
	}
	for _, w := range healthy {
		if w.Slot < len(loads) {
			loads[w.Slot].Open, loads[w.Slot].Capacity = true, w.Capacity
		}
	}
	return steer.Weights(loads, m.traffic.estimator.Expect(m.traffic.interval))
}

// queued is how many connections wait in a slot's sockets.
func (m *master) queued(slot int) (n int) {
	for i := range m.sockets {
		if s := &m.sockets[i]; s.Sharded && slot < len(s.FDs) {
			if depth, _, err := sys.QueueDepth(s.FDs[slot]); err == nil {
				n += depth
			}
		}
	}
	return n
}

// attach gives new weights to the kernel.
func (m *master) attach(weights []uint32) {
	if slices.Equal(weights, m.traffic.attached) {
		return
	}
	program, err := steer.Program(weights)
	if errors.Is(err, steer.ErrNoSlot) {
		return // queues wait for whoever takes the slots
	}
	for i := range m.sockets {
		if s := &m.sockets[i]; s.Sharded && err == nil {
			err = sys.AttachReuseportCBPF(s.FDs[0], program)
		}
	}
	if err != nil {
		if now := time.Now(); now.Sub(m.traffic.refused) >= steerWarnEvery {
			m.traffic.refused = now
			m.log.Warn("cannot steer connections; the kernel goes on with the last weights", zap.Error(err))
		}
		return
	}
	m.traffic.attached = weights
}

// lookAfter keeps every queue in the hands of somebody who can empty it.
func (m *master) lookAfter(now time.Time, healthy []spread.Worker) {
	t := &m.traffic
	owners := make(map[int]spread.Worker, len(healthy))
	for _, w := range healthy {
		owners[w.Slot] = w
	}
	for slot := range m.slots() {
		if _, owned := owners[slot]; owned {
			delete(t.absent, slot)
		} else if _, known := t.absent[slot]; !known {
			t.absent[slot] = now
		}
	}
	needs := func(slot int) bool {
		if owner, owned := owners[slot]; owned {
			return owner.Connections >= owner.Capacity && m.queued(slot) > 0
		}
		return now.Sub(t.absent[slot]) >= abandonedAfter || m.suspect(slot)
	}
	begin, end := spread.Adopt(m.slots(), needs, healthy, t.adopted)
	for _, a := range end {
		delete(t.adopted, a.Slot)
		m.tell(a.Worker, handoff.Order{Kind: handoff.OrderRelease, Slot: a.Slot})
	}
	for _, a := range begin {
		if m.adopt(a) {
			t.adopted[a.Slot] = a.Worker
		}
	}
}

// suspect says that a slot's worker lives and is silent: it may stay so for
// long, and nothing is gained by waiting.
func (m *master) suspect(slot int) bool {
	for _, c := range m.children {
		if c.slot == slot && !c.ready.IsZero() && c.reason == "" {
			return true
		}
	}
	return false
}

// adopt lends a slot's sockets to a healthy worker.
func (m *master) adopt(a spread.Adoption) bool {
	c := m.children[a.Worker]
	order := handoff.Order{Kind: handoff.OrderAdopt, Slot: a.Slot}
	var fds []int
	for i := range m.sockets {
		if s := &m.sockets[i]; s.Sharded && a.Slot < len(s.FDs) {
			order.Listeners = append(order.Listeners, handoff.Listener{Network: s.Network, Address: s.Address, TLS: s.TLS})
			fds = append(fds, s.FDs[a.Slot])
		}
	}
	if err := c.sendWith(order, fds...); err != nil {
		m.log.Warn("cannot lend a queue to a worker", c.fields(zap.Int("queue_of_slot", a.Slot), zap.Error(err))...)
		return false
	}
	m.log.Debug("worker looks after another slot's queue", c.fields(zap.Int("queue_of_slot", a.Slot))...)
	return true
}

// tell sends an order without descriptors to a worker that may be gone.
func (m *master) tell(id fleet.ID, o handoff.Order) {
	c := m.children[id]
	if c == nil {
		return
	}
	if err := c.send(o); err != nil {
		m.log.Warn("cannot send order to worker", c.fields(zap.String("order", string(o.Kind)), zap.Error(err))...)
	}
}

// balance asks full workers to pass idle connections to emptier ones.
func (m *master) balance(now time.Time) {
	if now.Sub(m.traffic.balanced) < balanceEvery || m.stopping || m.upgrading || m.tx.phase != txIdle || !m.serving {
		return
	}
	m.traffic.balanced = now
	healthy := m.healthy(now)
	for _, move := range spread.Balance(healthy) {
		from := m.children[move.From]
		i := slices.IndexFunc(healthy, func(w spread.Worker) bool { return w.ID == move.To })
		targets, ends := m.introduce(healthy[i : i+1])
		if len(ends) == 1 {
			err := from.sendWith(handoff.Order{Kind: handoff.OrderShed, Count: move.Count, Targets: targets}, ends...)
			if err != nil {
				m.log.Debug("cannot ask a worker to give connections away", from.fields(zap.Error(err))...)
			}
		}
		closeAll(ends)
	}
}
