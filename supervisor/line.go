package supervisor

import (
	"encoding/json"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
	"github.com/webchasor/webchasor/supervisor/spread"
)

// openLine makes the line to a worker of the previous master. end is for the
// worker, and the caller's to close; ours goes from master to master.
func (m *master) openLine(o *orphan) (end int, ok bool) {
	if !o.Lined || o.line >= 0 {
		return -1, false
	}
	ours, end, err := sys.ControlPair()
	if err != nil {
		m.log.Debug("cannot make a line", o.fields(zap.Error(err))...)
		return -1, false
	}
	if err := sys.SetNonblock(ours); err != nil {
		m.log.Debug("cannot make a line", o.fields(zap.Error(err))...)
		closeAll([]int{ours, end})
		return -1, false
	}
	o.line = ours
	return end, true
}

// renewOrphan names heirs of ours to a worker of an earlier master: those it had
// leave too, with an upgrade or a reload, while its requests last.
func (m *master) renewOrphan(o *orphan, healthy []spread.Worker) {
	if o.line < 0 {
		return
	}
	heirs := spread.Heirs(o.Slot, healthy)
	targets, ends := m.introduce(heirs)
	defer closeAll(ends)
	o.heirs = idsOf(heirs)
	packet, err := json.Marshal(handoff.Order{Kind: handoff.OrderDrain, Reason: handoff.DrainUpgrade, Targets: targets})
	if err == nil {
		err = sys.SendFDs(o.line, packet, ends...)
	}
	if err != nil {
		o.heirs = []fleet.ID{} // it is leaving: nobody to tell
		m.log.Debug("cannot name heirs to a worker of an earlier master", o.fields(zap.Error(err))...)
	}
}
