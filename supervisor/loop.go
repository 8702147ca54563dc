package supervisor

import (
	"time"

	"github.com/webchasor/webchasor/supervisor/fleet"
)

// sampleEvery is how often the scoreboards are read at the least. The core counts
// on four looks a second to tell a suspended master from silent workers.
const sampleEvery = 250 * time.Millisecond

// loop runs until the fleet has ended or an upgrade has taken over; it returns
// the exit status. It is the only goroutine that touches the master's fields.
func (m *master) loop() int {
	defer close(m.gone)
	sampler := time.NewTimer(sampleEvery)
	defer sampler.Stop()
	wake := time.NewTimer(time.Hour)
	defer wake.Stop()

	m.step(fleet.Start{Generation: m.generation, Policy: policyOf(&m.current.Settings)})
	m.tellProgress("")
	for !m.done {
		m.resumeReload()
		m.resumeCerts()
		if m.traffic.stale {
			m.direct(time.Now())
		}
		m.arm(wake)
		select {
		case h := <-m.happenings:
			h.apply(m)
		case s := <-m.signals.stops:
			m.signal(s)
		case s := <-m.signals.orders:
			m.signal(s)
		case <-m.watcher.changes():
			m.reload("configuration file changed")
		case <-m.tls.watcher.changes():
			m.rereadCerts()
		case <-sampler.C:
			m.sample()
			sampler.Reset(m.traffic.interval)
		case <-wake.C:
			m.step(fleet.Tick{})
		}
	}
	return m.code
}

// step tells the core what happened and carries out what it answers. A failed
// spawn is itself an event, so the queue runs until it is empty.
func (m *master) step(e fleet.Event) {
	m.pending = append(m.pending, e)
	if m.stepping {
		return
	}
	m.stepping = true
	defer func() { m.stepping = false }()
	for len(m.pending) > 0 {
		next := m.pending[0]
		m.pending = m.pending[1:]
		actions := m.fleet.Step(time.Now(), next)
		if len(actions) > 0 || !routine(next) {
			m.decisions++
		}
		for _, a := range actions {
			m.perform(a)
		}
	}
	m.redivide()
}

// routine events come all the time; they matter by what the core makes of them.
func routine(e fleet.Event) bool {
	switch e.(type) {
	case fleet.Tick, fleet.Sampled:
		return true
	}
	return false
}

// arm sets the timer for the core's next deadline.
func (m *master) arm(t *time.Timer) {
	at, ok := m.fleet.Wake()
	if !ok {
		t.Stop()
		return
	}
	t.Reset(max(time.Until(at), 0))
}

// end leaves the loop with a status.
func (m *master) end(code int) {
	m.done, m.code = true, code
}
