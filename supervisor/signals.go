package supervisor

import (
	"os"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// signal translates; it decides nothing.
func (m *master) signal(s os.Signal) {
	m.log.Info("signal received", zap.Stringer("signal", s.(syscall.Signal)))
	switch s {
	case syscall.SIGHUP:
		m.reload("SIGHUP")
	case syscall.SIGUSR1:
		m.reopen()
	case syscall.SIGUSR2:
		m.upgrade()
	case syscall.SIGTTIN:
		m.scaleTo(control.ScaleOrder{Delta: 1})
	case syscall.SIGTTOU:
		m.scaleTo(control.ScaleOrder{Delta: -1})
	case syscall.SIGWINCH:
		m.park()
	case syscall.SIGTERM:
		m.stop(false)
	case syscall.SIGINT, syscall.SIGQUIT:
		m.stop(true)
	}
}

// park stops the workers and keeps the master. A terminal sends SIGWINCH when
// its window changes size, which is nobody's wish to stop serving.
func (m *master) park() {
	if sys.InForeground() {
		m.log.Info("SIGWINCH ignored: it came from the terminal's window, not from an operator")
		return
	}
	m.drainAll()
}

// stop ends the service. An upgrade under way is called off first, so that no
// new master appears behind the operator's back. A further stop cuts the
// lame_duck delay short.
func (m *master) stop(quick bool) {
	if !m.stopping {
		m.stopping = true
		m.upgrader.Stop()
		m.jot(control.KindStop, nil, "the service stops")
		m.tx.waiters.send(refusal("reload", "the service is stopping"))
		m.tx.later.send(refusal("reload", "the service is stopping"))
		m.tellStopping()
		if !quick && m.leaveSlowly() {
			return
		}
	}
	m.beginStop(quick)
}

// beginStop makes the workers leave.
func (m *master) beginStop(quick bool) {
	again := !m.stopAt.IsZero()
	if !again {
		m.stopAt = time.Now()
	}
	m.lame = false
	m.tellNews()
	if quick || again {
		m.killOrphans()
	}
	if m.final == nil { // else only orphans are left
		m.step(fleet.Stop{Quick: quick})
	}
	m.closePortWhenLeft()
}
