package supervisor

import (
	"encoding/json"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
	"github.com/webchasor/webchasor/supervisor/spread"
)

// invitation tells the old master whom one of its workers may pass its
// connections to. One descriptor per target travels beside it, in order, and with
// Line one more: the end of a line on which this master, and those after it, will name
// others when these have left themselves. A long request may outlive several.
type invitation struct {
	PID     int `json:",omitempty"`
	Targets []handoff.Target
	Line    bool `json:",omitempty"`
	Master  int  `json:",omitempty"` // the new master's own pid; then nothing else
}

// invite introduces the previous master's workers to ours, before that master
// learns that it can leave.
func (m *master) invite() {
	healthy := m.healthy(time.Now())
	if len(m.inherited.orphans) == 0 || len(healthy) == 0 {
		return
	}
	perWorker := min(max(sys.MaxFDs/len(m.inherited.orphans)-1, 1), 3)
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
		if o.Upgrades > 0 { // not that master's own
			m.renewOrphan(o, healthy)
			continue
		}
		heirs := spread.Heirs(o.Slot, healthy)
		heirs = heirs[:min(len(heirs), perWorker)]
		targets, ends := m.introduce(heirs)
		o.heirs = idsOf(heirs)
		end, lined := m.openLine(o)
		if lined {
			ends = append(ends, end)
		}
		if len(fds)+len(ends) > sys.MaxFDs {
			flush()
		}
		all = append(all, invitation{PID: o.PID, Targets: targets, Line: lined})
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
		if i.Line {
			n++
		}
		if n > len(fds) {
			return
		}
		if c := byPID[i.PID]; c != nil && c.reason != fleet.ReasonStop {
			m.sendDrain(c, fleet.ReasonOperator, handoff.Order{
				Kind: handoff.OrderDrain, Reason: handoff.DrainUpgrade, Targets: i.Targets, Line: i.Line,
			}, fds[:n])
		}
		fds = fds[n:]
	}
}
