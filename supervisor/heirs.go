package supervisor

import (
	"errors"
	"io"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/sys"
)

// maxKeepsakes bounds the descriptors of scoreboards and the like in one
// hand-over: its messages wait in a queue of net.unix.max_dgram_qlen (10), and
// without room for them there would be no upgrade. Further orphans are watched
// by pidfd alone.
const maxKeepsakes = 1000

// futureOrphans are the workers that this master will leave behind, and those
// that were left to it. The caller closes the descriptors of made, those of
// lent stay ours.
func (m *master) futureOrphans() (made, lent []legacy) {
	for _, c := range m.children {
		one, its := m.futureOrphan(c)
		made, lent = append(made, one...), append(lent, its...)
	}
	for _, o := range m.orphans {
		one, its := o.bequest()
		made, lent = append(made, one...), append(lent, its...)
	}
	return made, lent[:min(len(lent), maxKeepsakes)]
}

// bequest is the orphan for the next master; made is empty if it cannot be held.
func (o *orphan) bequest() (made, lent []legacy) {
	fd, err := sys.DupCloexec(o.pidfd)
	if err != nil {
		return nil, nil
	}
	record := o.orphanRecord
	record.Upgrades++
	record.Budget = max(time.Until(o.deadline), 0)
	return []legacy{{heirloom{Orphan: &record}, fd}}, keepsakesOf(o.PID, o.keepsakes)
}

// futureOrphan is one of our own workers; made is empty if it cannot be held.
func (m *master) futureOrphan(c *child) (made, lent []legacy) {
	fd, err := sys.PidfdOpen(c.pid) // not reaped yet, so the number is still its own
	if err != nil {
		m.log.Debug("cannot hand a worker over for watching", c.fields(zap.Error(err))...)
		return nil, nil
	}
	s := m.settingsOf(c.generation)
	made = []legacy{{heirloom{Orphan: &orphanRecord{
		PID: c.pid, Slot: c.slot, Generation: uint64(c.generation), Started: c.started, Lined: true,
		Budget: max(s.GracefulTimeout, s.StreamTimeout) + killMargin,
	}}, fd}}
	return made, keepsakesOf(c.pid, keepsakes{boardFD: c.boardFD, crash: c.crash, boxFD: c.boxFD, line: -1})
}

func keepsakesOf(pid int, k keepsakes) (all []legacy) {
	for _, l := range []legacy{{heirloom{Board: pid}, k.boardFD}, {heirloom{Crash: pid}, k.crash}, {heirloom{Box: pid}, k.boxFD}, {heirloom{Line: pid}, k.line}} {
		if l.fd >= 0 {
			all = append(all, l)
		}
	}
	return all
}

// bequeathLate adds a worker that this master came to have while a new one boots,
// which reads on when it serves, and once more when this one is gone.
func (m *master) bequeathLate(made, lent []legacy) {
	if len(made) == 0 {
		return
	}
	defer func() { _ = sys.CloseFD(made[0].fd) }()
	if err := bequeath(m.baton.to, append(made, lent...)); err != nil {
		m.log.Debug("cannot hand a new worker over for watching", zap.Int("worker_pid", made[0].Orphan.PID), zap.Error(err))
	}
}

// receiveLate reads which workers the previous master has started meanwhile.
func (m *master) receiveLate() {
	if m.inherited.answer == nil {
		return
	}
	for {
		err := m.inherited.receive(m.inherited.answer)
		switch {
		case err == nil:
		case errors.Is(err, syscall.EAGAIN) || errors.Is(err, io.EOF): // that is all
			return
		default:
			m.log.Warn("cannot read which workers the previous master has started meanwhile", zap.Error(err))
			return
		}
	}
}
