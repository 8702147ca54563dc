package supervisor

import (
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/ledger"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/autopsy"
)

// openLedger goes on with the counters of the previous master, or begins them.
// Its workers and ours add to the same memory from here on.
func (m *master) openLedger() (err error) {
	if fd := m.inherited.ledger; fd != nil {
		m.inherited.ledger = nil
		if m.ledger, err = ledger.Open(*fd); err != nil {
			_ = sys.CloseFD(*fd)
			m.manager.ledger = false
			m.log.Info("the counters begin anew", zap.String("why", err.Error()))
		}
	}
	if m.ledger == nil {
		if m.ledger, err = ledger.Create(time.Now()); err != nil {
			return err
		}
	}
	m.ledger.AddRoutes(m.routes)
	m.ledger.AddCauses(causes)
	m.nameUpstreams(&m.current.Settings)
	m.tallies.add(m.tally(time.Now()))
	return nil
}

// causes get their numbers before the first death, so that two masters in the middle of an
// upgrade do not give the same number to different ones.
var causes = []string{
	string(autopsy.CauseRecycle), string(autopsy.CauseMemory), string(autopsy.CauseReload),
	string(autopsy.CauseRollback), string(autopsy.CauseScale), string(autopsy.CausePark),
	string(autopsy.CauseStop), string(autopsy.CauseOperator), string(autopsy.CauseTerm),
	string(autopsy.CauseTimeout), string(autopsy.CauseOverdue), string(autopsy.CauseBootTimeout),
	string(autopsy.CauseBoot), string(autopsy.CauseLoad), string(autopsy.CauseOOM),
	string(autopsy.CausePanic), string(autopsy.CauseFatal), string(autopsy.CauseExit),
	string(autopsy.CauseOutside), string(autopsy.CauseUnknown), string(autopsy.CauseUpgrade),
}

// clockEvery is how often the workers' processor time is counted.
const clockEvery = time.Second

// countProcessor adds what the workers have used since the last look. The end
// of a worker adds the rest, so nothing is counted twice and nothing is lost.
func (m *master) countProcessor(now time.Time) {
	if now.Before(m.nextClock) {
		return
	}
	m.nextClock = now.Add(clockEvery)
	for _, c := range m.children {
		s, err := m.ledger.Slot(c.slot)
		if err != nil {
			continue
		}
		if used, err := sys.CPUTime(c.pid); err == nil {
			s.Processor(m.clocked.since(c.pid, used))
		}
	}
	for _, o := range m.orphans {
		s, err := m.ledger.Slot(o.Slot)
		if err != nil {
			continue
		}
		used, err := sys.CPUTime(o.PID)
		if _, known := m.clocked[o.PID]; err == nil && !known {
			m.clocked[o.PID] = used // what its own master has counted
		} else if err == nil {
			s.Processor(m.clocked.since(o.PID, used))
		}
	}
}

// enterDeath counts the end of a worker, the requests lost with it and the
// processor time that no sample saw.
func (m *master) enterDeath(c *child, h exited, v autopsy.Verdict) {
	s, err := m.ledger.Slot(c.slot)
	if err != nil {
		m.log.Warn("cannot count a death", c.fields(zap.Error(err))...)
		return
	}
	lost := 0
	if c.board != nil {
		lost = c.board.Snapshot().InFlight
		for _, q := range c.board.InFlight(m.clock.Now()) {
			if q.Answered != 0 {
				lost = max(lost-1, 0)
			}
		}
	}
	m.ledger.Died(s, string(v.Cause), lost)
	if h.state != nil {
		s.Processor(m.clocked.ended(c.pid, h.state.UserTime()+h.state.SystemTime()))
	}
}

// clocked remembers how much processor time of each process has been counted.
type clocked map[int]time.Duration

// since returns what a living process used since the last look.
func (k clocked) since(pid int, used time.Duration) time.Duration {
	before := k[pid]
	if used > before {
		k[pid] = used
	}
	return max(used-before, 0)
}

// ended returns what a process used since the last look, and forgets it.
func (k clocked) ended(pid int, used time.Duration) time.Duration {
	before := k[pid]
	delete(k, pid)
	return max(used-before, 0)
}

// counted is how the ledger counts the end of a reload or an upgrade.
func counted(o control.Outcome) ledger.Outcome {
	switch o {
	case control.OutcomeDone, control.OutcomeBegun:
		return ledger.Done
	case control.OutcomeRejected, control.OutcomeCalledOff:
		return ledger.Rejected
	case control.OutcomeRolled, control.OutcomeFailed:
	}
	return ledger.Undone
}
