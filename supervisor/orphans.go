package supervisor

import (
	"encoding/json"
	"errors"
	"os"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
	"github.com/webchasor/webchasor/supervisor/spread"
)

// orphanUpgrades is how many upgrades a worker may survive: with long streams
// and frequent deploys, old generations would otherwise pile up.
const orphanUpgrades = 3

// orphan is a worker of an upgraded-from master. It finishes long streams on
// its own; we watch it by pidfd, because only its parent could wait for it.
type orphan struct {
	orphanRecord
	pidfd    int
	deadline time.Time // zero before this master serves
	killed   bool
}

func (o orphan) fields(more ...zap.Field) []zap.Field {
	return append([]zap.Field{
		zap.Int("worker_pid", o.PID), zap.Int("worker_slot", o.Slot), zap.Uint64("worker_generation", o.Generation),
	}, more...)
}

// orphanGone: a watched orphan has ended.
type orphanGone struct {
	pid int
	err error
}

func (h orphanGone) apply(m *master) { m.orphanGone(h.pid, h.err) }

// futureOrphans are the workers that this master will leave behind, and those
// that were left to it. The caller closes the descriptors.
func (m *master) futureOrphans() []legacy {
	var all []legacy
	for _, c := range m.children {
		fd, err := sys.PidfdOpen(c.pid) // not reaped yet, so the number is still its own
		if err != nil {
			m.log.Debug("cannot hand a worker over for watching", c.fields(zap.Error(err))...)
			continue
		}
		s := m.settingsOf(c.generation)
		all = append(all, legacy{heirloom{Orphan: &orphanRecord{
			PID: c.pid, Slot: c.slot, Generation: uint64(c.generation),
			Budget: max(s.GracefulTimeout, s.StreamTimeout) + killMargin,
		}}, fd})
	}
	for _, o := range m.orphans {
		fd, err := sys.DupCloexec(o.pidfd)
		if err != nil {
			continue
		}
		record := o.orphanRecord
		record.Upgrades++
		record.Budget = max(time.Until(o.deadline), 0)
		all = append(all, legacy{heirloom{Orphan: &record}, fd})
	}
	return all
}

// adoptOrphans begins to watch the workers of the previous master, now that
// this one serves and that one is about to leave.
func (m *master) adoptOrphans() {
	m.orphans = m.inherited.orphans
	m.inherited.orphans = nil
	if m.inherited.answer != nil {
		m.inherited.answer.Close()
		m.inherited.answer = nil
	}
	for i := range m.orphans {
		o := &m.orphans[i]
		o.deadline = time.Now().Add(o.Budget)
		wait, err := sys.DupCloexec(o.pidfd)
		if err != nil {
			m.log.Warn("cannot watch a worker of the previous master", o.fields(zap.Error(err))...)
			continue
		}
		pid := o.PID
		go func() { m.happenings <- orphanGone{pid, sys.PidfdWait(wait)} }()
	}
	m.reapOrphans(time.Now())
}

// reapOrphans ends orphans whose budget is used up, or that have survived too many upgrades.
func (m *master) reapOrphans(now time.Time) {
	for i := range m.orphans {
		o := &m.orphans[i]
		why := ""
		switch {
		case o.killed:
		case o.Upgrades >= orphanUpgrades:
			why = "it has survived too many upgrades"
		case now.After(o.deadline):
			why = "its time to finish is over"
		}
		if why == "" {
			continue
		}
		o.killed = true
		m.log.Warn("ending a worker of a previous master", o.fields(zap.String("why", why))...)
		if err := sys.PidfdSignal(o.pidfd, syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
			m.log.Warn("cannot end it", o.fields(zap.Error(err))...)
		}
	}
}

func (m *master) orphanGone(pid int, err error) {
	for i, o := range m.orphans {
		if o.PID != pid {
			continue
		}
		m.log.Info("a worker of the previous master is gone", o.fields(zap.Error(err), zap.Int("left", len(m.orphans)-1))...)
		_ = sys.CloseFD(o.pidfd)
		delete(m.clocked, pid)
		m.orphans = append(m.orphans[:i], m.orphans[i+1:]...)
		return
	}
}

// invitation tells the old master whom one of its workers may pass its
// connections to. One descriptor per target travels beside it, in order.
type invitation struct {
	PID     int `json:",omitempty"`
	Targets []handoff.Target
	Master  int `json:",omitempty"` // the new master's own pid; then nothing else
}

// invite introduces the previous master's workers to ours, before that master
// learns that it can leave.
func (m *master) invite() {
	healthy := m.healthy(time.Now())
	if len(m.inherited.orphans) == 0 || len(healthy) == 0 {
		return
	}
	perWorker := min(max(sys.MaxFDs/len(m.inherited.orphans), 1), 3)
	var all []invitation
	var fds []int
	flush := func() {
		packet, err := json.Marshal(all)
		if err == nil && len(all) > 0 {
			err = m.answerEstate(packet, fds)
		}
		if err != nil {
			m.log.Warn("cannot invite the previous master's workers; they close their connections instead", zap.Error(err))
		}
		closeAll(fds)
		all, fds = nil, nil
	}
	for _, o := range m.inherited.orphans {
		if o.Upgrades > 0 {
			continue // not that master's own
		}
		heirs := spread.Heirs(o.Slot, healthy)
		targets, ends := m.introduce(heirs[:min(len(heirs), perWorker)])
		if len(fds)+len(ends) > sys.MaxFDs {
			flush()
		}
		all = append(all, invitation{PID: o.PID, Targets: targets})
		fds = append(fds, ends...)
	}
	flush()
}

// introduceSelf tells the previous master who follows it.
func (m *master) introduceSelf() {
	if m.inherited.answer == nil {
		return
	}
	packet, err := json.Marshal([]invitation{{Master: os.Getpid()}})
	if err == nil {
		err = m.answerEstate(packet, nil)
	}
	if err != nil {
		m.log.Debug("cannot introduce this master to the previous one", zap.Error(err))
	}
}

// answerEstate sends a message back to the previous master.
func (m *master) answerEstate(packet []byte, fds []int) error {
	return sys.WithFD(m.inherited.answer, func(fd int) error { return sys.SendFDs(fd, packet, fds...) })
}

// passOn forwards invitations to the workers they are for.
func (m *master) passOn(packet []byte, fds []int) {
	var all []invitation
	if err := json.Unmarshal(packet, &all); err != nil {
		m.log.Warn("cannot understand the new master's invitations", zap.Error(err))
		return
	}
	byPID := make(map[int]*child, len(m.children))
	for _, c := range m.children {
		byPID[c.pid] = c
	}
	for _, i := range all {
		if i.Master != 0 {
			m.manager.heir = i.Master
			continue
		}
		n := len(i.Targets)
		if n > len(fds) {
			return
		}
		if c := byPID[i.PID]; c != nil && c.reason != fleet.ReasonStop {
			m.sendDrain(c, fleet.ReasonOperator, handoff.Order{
				Kind: handoff.OrderDrain, Reason: handoff.DrainUpgrade, Targets: i.Targets,
			}, fds[:n])
		}
		fds = fds[n:]
	}
}
