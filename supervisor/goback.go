package supervisor

import (
	"github.com/webchasor/webchasor/internal/config"
)

// goBack undoes the latest change of this master's life. After a reload that is
// a reload to the settings before it; whoever goes back twice is where they
// were. A master that has not reloaded since it took over from another one goes
// back to that one's program (see promotion.go), which reads the configuration as it is now.
func (m *master) goBack(w waiter) {
	switch {
	case m.previous != nil:
		m.goBackSettings(w)
	case m.promotion.origin != "":
		m.promote("rollback", m.promotion.origin, waiters{w})
	default:
		waiters{w}.send(refusal("rollback", "there is nothing to go back to: since its start this master has neither reloaded nor taken over from another one"))
	}
}

func (m *master) goBackSettings(w waiter) {
	if m.stopping {
		waiters{w}.send(refusal("rollback", "the service is stopping"))
		return
	}
	if obstacle := m.obstacle(); obstacle != "" {
		waiters{w}.send(refusal("rollback", "not during "+obstacle))
		return
	}
	// The files stay as they are, so what the watcher knows of them stays too:
	// only a new edit is a reason to read them again.
	before := *m.previous
	before.Sums = m.current.Sums
	m.startReload("rollback to the settings before the last reload", func() (*config.Resolved, error) { return &before, nil }, waiters{w})
	m.tx.result.Order = "rollback"
	m.tx.result.Text = "the files still hold the newer settings: the next reload applies them again"
}
