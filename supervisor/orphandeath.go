package supervisor

import (
	"slices"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/machine"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/supervisor/autopsy"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// orphanGone is the end of an orphan. Its exit status went to whoever adopted
// it, so the verdict rests on what it left in shared memory.
func (m *master) orphanGone(h orphanGone) {
	i := slices.IndexFunc(m.orphans, func(o *orphan) bool { return o.PID == h.pid })
	if i < 0 {
		return
	}
	o := m.orphans[i]
	m.orphans = slices.Delete(m.orphans, i, i+1)
	delete(m.clocked, o.PID)
	c := o.asChild()
	defer func() {
		o.crash = c.crash // -1 if it was handed on
		o.close()
		m.exitWithoutOrphans()
	}()

	evidence := o.evidence(c)
	verdict := autopsy.Classify(evidence)
	end := exited{at: h.at, pressure: machine.ReadPressure()}
	m.enterDeath(c, end, verdict)
	text := verdict.Sentence
	if !verdict.Abnormal {
		m.log.Info("a worker of the previous master is gone", o.fields(
			zap.String("cause", string(verdict.Cause)), zap.Error(h.err), zap.Int("left", len(m.orphans)))...)
		m.jotOrphan(o, text, verdict, "")
		m.accountLost(c, m.record(c, end, verdict, evidence))
		return
	}
	record := m.record(c, end, verdict, evidence)
	brief := record.Brief()
	m.lastDeaths[o.Slot] = &brief
	m.jotOrphan(o, text, verdict, brief.ID)
	m.log.Error("worker of the previous master died", o.fields(append(noStacks(verdict),
		zap.String("cause", string(verdict.Cause)), zap.String("detail", text),
		zap.Duration("uptime", record.Uptime), zap.String("record", m.deaths.Path(record)),
		zap.Int("requests_lost", record.Lost()), zap.Int("left", len(m.orphans)))...)...)
	m.logLost(c, record)
	m.bury(c, record)
}

// asChild is the orphan in the form in which ends of workers are told.
func (o *orphan) asChild() *child {
	return &child{
		slot: o.Slot, generation: fleet.Generation(o.Generation), pid: o.PID, started: o.Started, ready: o.Started,
		board: o.board, box: o.box, crash: o.crash, words: &lastWords{},
		reason: o.reason, ledger: o.ledger, throttled: o.throttled,
	}
}

// evidence is what can be known of the end. Without a scoreboard an end that
// nobody asked for counts as one in order.
func (o *orphan) evidence(c *child) autopsy.Evidence {
	e := autopsy.Evidence{
		Code: -1, Ready: true, Reason: c.reason, Ledger: c.ledger, Crash: readCrash(c.crash, crashHead), Stranger: true,
	}
	untold := e.Crash == "" && len(c.ledger) == 0
	if o.board == nil {
		e.Left = untold
		return e
	}
	// One that never got ready had nothing to finish.
	state := o.board.Snapshot().State
	e.Left = state == scoreboard.StateGone || state < scoreboard.StateReady && untold
	return e
}

func (m *master) jotOrphan(o *orphan, text string, v autopsy.Verdict, record string) {
	slot := o.Slot
	m.journal.Add(control.Event{
		Kind: control.KindOrphan, Slot: &slot, PID: o.PID, Text: text, Death: record,
		Fields: map[string]string{"cause": string(v.Cause)},
	})
}
