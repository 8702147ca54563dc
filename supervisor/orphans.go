package supervisor

import (
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// orphanUpgrades is how many upgrades a worker may survive: with long streams
// and frequent deploys, old generations would otherwise pile up.
const orphanUpgrades = 3

// orphanGone: a watched orphan has ended.
type orphanGone struct {
	pid int
	err error
	at  time.Time
}

func (h orphanGone) apply(m *master) { m.orphanGone(h) }

// adoptOrphans begins to watch the workers of the previous master that it has
// told of. Until it is gone it may start more, see [alone].
func (m *master) adoptOrphans() {
	now := time.Now()
	for _, o := range m.inherited.orphans {
		if ended, err := sys.Readable(o.pidfd); err == nil && ended {
			o.close() // meanwhile, and its own master has told it
			continue
		}
		m.adoptOrphan(o, now)
	}
	m.inherited.orphans = nil
	m.reapOrphans(now)
}

func (m *master) adoptOrphan(o *orphan, now time.Time) {
	o.deadline, o.throttled = now.Add(o.Budget), readThrottling()
	if o.Started.IsZero() {
		o.Started = now
	}
	if err := o.open(); err != nil {
		m.log.Info("a worker of the previous master is watched without its scoreboard", o.fields(zap.String("why", err.Error()))...)
	}
	wait, err := sys.DupCloexec(o.pidfd)
	if err != nil {
		m.log.Warn("cannot watch a worker of the previous master", o.fields(zap.Error(err))...)
		o.close()
		return
	}
	m.orphans = append(m.orphans, o)
	pid := o.PID
	go func() {
		err := sys.PidfdWait(wait)
		m.happenings <- orphanGone{pid, err, time.Now()}
	}()
}

// reapOrphans ends orphans whose budget is used up, or that have survived too
// many upgrades: first by SIGABRT, which writes their stacks.
func (m *master) reapOrphans(now time.Time) {
	for _, o := range m.orphans {
		switch o.state {
		case orphanDraining:
			if why := o.overdue(now); why != "" {
				m.log.Warn("ending a worker of a previous master", o.fields(zap.String("why", why))...)
				m.endOrphan(o, orphanAborting, fleet.ReasonOverdue, now)
			}
		case orphanAborting, orphanKilled:
			if now.After(o.until) {
				m.endOrphan(o, orphanKilled, o.reason, now)
			}
		}
	}
}

// killOrphans ends all at once, in a quick stop.
func (m *master) killOrphans() {
	now := time.Now()
	for _, o := range m.orphans {
		if o.state != orphanKilled {
			m.endOrphan(o, orphanKilled, fleet.ReasonStop, now)
		}
	}
}

// endOrphan takes the next step towards an orphan's end.
func (m *master) endOrphan(o *orphan, to orphanState, why fleet.Reason, now time.Time) {
	err := o.transition(to, now)
	if err == nil {
		sig := syscall.SIGKILL
		if to == orphanAborting {
			sig = syscall.SIGABRT
		}
		o.reason = why
		err = o.signal(sig, string(why), now)
	}
	if err != nil {
		m.log.Warn("cannot end a worker of a previous master", o.fields(zap.Error(err))...)
	}
}
