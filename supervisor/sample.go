package supervisor

import (
	"time"

	"github.com/webchasor/webchasor/supervisor/fleet"
)

// sample reads every scoreboard and tells the core. Reading shared memory asks
// nothing of the worker, so a wedged one is read like any other.
func (m *master) sample() {
	now := time.Now()
	weigh := m.memory.due(now, m.current.Settings.MaxMemory)
	readings := make([]fleet.Reading, 0, len(m.children))
	for id, c := range m.children {
		snap := c.board.Snapshot()
		r := fleet.Reading{ID: id, Beat: m.clock.At(snap.Beat), Streams: snap.Streams}
		if weigh && !c.ready.IsZero() {
			r.Memory = m.weigh(c)
		}
		readings = append(readings, r)
	}
	m.countProcessor(now)
	m.releasePoison(now)
	m.renewTickets(now)
	m.observe(now)
	m.measure(now)
	m.step(fleet.Sampled{Readings: readings})
	m.direct(now)
	m.balance(now)
	m.queue.look(now, m)
	m.reapOrphans(now)
	m.sweepSeats(now)
	m.closePortWhenLeft()
	m.tellNews()
	m.keepManagerInformed(now)
}

// observe notes how many connections came since the last look, and decides
// when to look again: often while they come, because weights go stale.
func (m *master) observe(now time.Time) {
	t := &m.traffic
	opened := t.gone
	for _, c := range m.children {
		opened += c.board.Snapshot().Opened
	}
	t.estimator.Observe(opened, now.Sub(t.observed))
	moved := opened != t.opened
	t.opened, t.observed = opened, now
	t.interval = sampleEvery
	if m.slots() > 1 {
		t.interval = min(t.pacer.Next(moved), sampleEvery)
	}
}
