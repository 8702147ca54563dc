package supervisor

import (
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/permits"
)

// lameDuckOver: the delay between the word that the service leaves and the
// drain is over.
type lameDuckOver struct{}

func (lameDuckOver) apply(m *master) {
	if m.lame {
		m.beginStop(false)
	}
}

// leaveSlowly lets the workers serve on while they say that they are not ready:
// load balancers and endpoint lists go on sending for seconds after a TERM, and
// what arrives at a closed port is an error. It returns false if that is not wanted.
func (m *master) leaveSlowly() bool {
	delay := m.current.Settings.LameDuck
	if delay <= 0 || !m.serving || m.fleet.View().Ready == 0 {
		return false
	}
	m.lame = true
	m.tellNews()
	m.log.Info("leaving: not ready any more, but serving on for a while", zap.Duration("lame_duck", delay))
	time.AfterFunc(delay, func() {
		select {
		case m.happenings <- lameDuckOver{}:
		case <-m.gone:
		}
	})
	return true
}

// tellNews tells the workers how many of them are ready, and whether the
// service leaves. A successor that does not serve yet has nothing to tell.
func (m *master) tellNews() {
	if !m.serving && m.upgrader.HasParent() {
		return
	}
	view := m.fleet.View()
	m.permits.board.Tell(permits.News{Ready: view.Ready, Wanted: m.wanted(view), Leaving: m.stopping})
}
