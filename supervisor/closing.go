package supervisor

import (
	"errors"
	"os"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// silentSweep is how long a worker may be without a heartbeat while the port is
// held open for it, and sweepMargin what a live one may need beyond its own
// budget: one that is stopped or wedged never empties the queue.
const (
	silentSweep = 2 * time.Second
	sweepMargin = time.Second
)

// portClosed notes that a worker has emptied the queue and let go of the sockets.
func (m *master) portClosed(id fleet.ID) {
	if c := m.children[id]; c != nil {
		c.letGo = true
	}
	m.closePortWhenLeft()
}

// closePortWhenLeft ends the listening in a final stop as soon as no worker
// answers queued connections any more. Closing our descriptor is not enough:
// a wedged worker holds its own. An upgrade that is being called off has to end
// first: if it was faster, the port is the new master's.
func (m *master) closePortWhenLeft() {
	if !m.stopping || m.lame || m.upgrading || len(m.sockets) == 0 {
		return
	}
	now := time.Now()
	for _, c := range m.children {
		if m.answersQueue(c, now) {
			m.shutOut(now)
			return
		}
	}
	m.closePort()
}

// answersQueue says whether a worker still accepts what is queued. How long it
// may is its own business, see [handoff.SweepBudget]; the limit is for one that
// beats and does nothing else.
func (m *master) answersQueue(c *child, now time.Time) bool {
	if !c.awaited || c.letGo {
		return false
	}
	beat := m.clock.At(c.board.Snapshot().Beat)
	if beat.Before(m.stopAt) {
		beat = m.stopAt // it may have been loaded; a silent one is not waited for longer
	}
	limit := m.stopAt.Add(handoff.SweepBudget(m.settingsOf(c.generation).GracefulTimeout) + sweepMargin)
	return now.Before(limit) && now.Sub(beat) < silentSweep
}

// shutOut keeps newcomers away while full workers answer those who came before:
// they would be queued and reset in the end. Behind a backlog of nothing the kernel
// drops their SYN (tried on Linux 6.18), and when the client sends it again
// the port is closed and refuses, or open at the next start.
func (m *master) shutOut(now time.Time) {
	if m.shut || now.Sub(m.stopAt) < handoff.SweepTime {
		return
	}
	m.shut = true
	m.log.Info("new connections are kept out; those that wait are still answered")
	for i := range m.sockets {
		if s := &m.sockets[i]; !s.Inherited && !s.Lent {
			m.relistenAt(s, 0)
		}
	}
}

// closePort ends the listening for good and removes unix paths. Inherited
// sockets are only let go of: shutdown(2) would end the listening of the
// master that serves on.
func (m *master) closePort() {
	m.forgetLedger()
	for _, l := range m.sockets {
		if l.Inherited || l.Lent {
			closeAll(l.FDs)
			continue
		}
		m.forget(&l)
		m.unlink(l) // first: once it is closed, the path may be somebody else's
		for _, fd := range l.FDs {
			if err := sys.CloseListener(fd); err != nil {
				m.log.Debug("cannot close listener", zap.String("address", l.Address), zap.Error(err))
			}
		}
	}
	m.sockets = nil
}

// unlink removes a unix socket's path. Names in the abstract namespace have none.
func (m *master) unlink(s socket) {
	path, ok := strings.CutPrefix(s.Address, "unix:")
	if !ok || s.Lent || strings.HasPrefix(path, "@") {
		return
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		m.log.Warn("cannot remove the socket's path", zap.Error(err))
	}
}
