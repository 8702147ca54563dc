package supervisor

import "context"

// awaitAlone waits for the end of the previous master. It serves until it hears
// that this one is ready, and for a moment after that.
func (m *master) awaitAlone() {
	if !m.upgrader.HasParent() {
		return
	}
	go func() {
		_ = m.upgrader.WaitForParent(context.Background())
		select {
		case m.happenings <- alone{}:
		case <-m.gone:
		}
	}()
}

// alone: the previous master is gone, and has done what it did last. It may have
// given the kernel its own weights after ours, and one of its workers may have
// died and been replaced after we had read who they are: the message is in the
// queue of the hand-over, which outlives who wrote it.
type alone struct{}

func (alone) apply(m *master) {
	m.traffic.attached, m.traffic.stale = nil, true
	m.adoptLast()
}

// adoptLast watches the workers that the previous master had when it left.
func (m *master) adoptLast() {
	if m.inherited.answer == nil {
		return
	}
	m.receiveLate()
	m.inherited.answer.Close()
	m.inherited.answer = nil
	known := len(m.orphans)
	m.adoptOrphans()
	for _, o := range m.orphans[known:] {
		m.log.Info("watching a worker that the previous master started at its end", o.fields()...)
		if m.upgrading {
			m.bequeathLate(o.bequest())
		}
	}
}
