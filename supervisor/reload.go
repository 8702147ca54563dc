package supervisor

import (
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/ledger"
	"github.com/webchasor/webchasor/internal/logs"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// transaction is a reload under way: loading (next is nil) or rolling. Another
// request meanwhile is remembered, however many there are.
type transaction struct {
	phase      txPhase
	why        string
	off        bool // called off while it was read
	next       *config.Resolved
	generation fleet.Generation
	again      string  // why another one was asked for
	waiters    waiters // who waits for the end of this one
	later      waiters // and of the one asked for meanwhile
	result     control.Result
}

type txPhase int

const (
	txIdle txPhase = iota
	txLoading
	txRolling
)

// reload begins a transaction: read, validate, boot one worker of the new
// generation, then roll the others. Until it commits the old generation is the truth.
func (m *master) reload(why string, waiting ...waiter) {
	if m.stopping {
		m.log.Warn("reload ignored: the service is stopping", zap.String("why", why))
		waiters(waiting).send(refusal("reload", "the service is stopping"))
		return
	}
	if obstacle := m.obstacle(); obstacle != "" {
		if m.tx.again == "" { // one line for a storm of them
			m.log.Info("reload put off", zap.String("why", why), zap.String("until_after", obstacle))
		}
		m.tx.again = why
		m.tx.later = append(m.tx.later, waiting...)
		return
	}
	m.startReload(why, m.reread(), waiting)
}

// obstacle names what a reload has to wait for; empty if nothing.
func (m *master) obstacle() string {
	view := m.fleet.View()
	switch {
	case m.tx.phase != txIdle:
		return "the reload under way"
	case view.Phase == fleet.PhaseRollback:
		return "the roll-back of the last one"
	case m.upgrading:
		return "the upgrade" // the new master reads the configuration anyway
	case m.serving || view.Phase == fleet.PhaseParked:
		return ""
	case view.Ready == 0 || m.upgrader.HasParent():
		// A start with some workers up must not wait for the rest: the new
		// configuration may be what lets them boot.
		return "the start"
	}
	return ""
}

// startReload reads what load gives: the configuration, or in a roll-back the
// settings that were in force before.
func (m *master) startReload(why string, load func() (*config.Resolved, error), waiting waiters) {
	m.log.Info("reloading", zap.String("why", why))
	m.jot(control.KindReload, nil, "reloading: "+why, "outcome", string(control.OutcomeBegun))
	m.tx.phase, m.tx.why, m.tx.waiters = txLoading, why, waiting
	m.tx.result = control.Result{Order: "reload", Began: time.Now()}
	m.tellReloading()
	go func() {
		next, err := withCerts(load)
		m.happenings <- loaded{next, err}
	}()
}

// loaded is the second step: what was read becomes a generation, or the reason
// why it cannot.
func (m *master) loaded(read generation, err error) {
	if m.stopping {
		return
	}
	if m.tx.off {
		m.log.Info("reload called off")
		m.finishReload(control.OutcomeCalledOff, "a later order took its place")
		return
	}
	if err == nil {
		err = m.lacksCerts(read.certs)
	}
	if err != nil {
		m.log.Error("reload rejected; the old configuration serves on", zap.Error(err))
		m.finishReload(control.OutcomeRejected, oneLine(err))
		return
	}
	m.settled(read)
	next := read.Resolved
	m.explain(next)
	m.tx.result.Changes = changesOf(m.current, next)
	next = config.KeepRunning(next, m.current)
	m.generation++
	m.tx.phase, m.tx.next, m.tx.generation = txRolling, next, m.generation
	m.tls.next = read.certs
	m.nameUpstreams(&next.Settings)
	m.step(fleet.Reload{Generation: m.tx.generation, Policy: policyOf(&next.Settings)})
	if m.tx.phase == txRolling && m.fleet.View().Phase != fleet.PhaseReloading {
		// The core refused, and has said why: something came between while we
		// read. Ask again when it is over.
		m.tx = transaction{again: m.tx.why, later: append(m.tx.waiters, m.tx.later...)}
	}
}

// callOffReload drops what is being read or waits its turn: a later order of
// the operator replaces it. One that rolls already is the core's to end.
func (m *master) callOffReload() {
	m.tx.again = ""
	m.tx.later.send(refusal("reload", "a later order took its place"))
	m.tx.later = nil
	m.tx.off = m.tx.phase == txLoading
}

// explain names what changes, what needs an upgrade instead, and what was
// edited without effect because a flag or a variable is stronger than the file.
func (m *master) explain(next *config.Resolved) {
	changes := config.Diff(m.current, next)
	for _, c := range changes {
		fields := []zap.Field{zap.String("setting", c.Name), zap.String("from", c.Old), zap.String("to", c.New)}
		if c.Name == "accept" {
			m.log.Warn("setting needs a restart: an upgrade keeps the sockets; the running value stays", fields...)
			continue
		}
		if c.Class == config.Upgrade {
			m.log.Warn("setting needs an upgrade (kill -USR2); the running value stays", fields...)
			continue
		}
		m.log.Info("setting changes", append(fields, zap.String("class", string(c.Class)))...)
	}
	for _, s := range config.ShadowedEdits(m.current, next) {
		m.log.Warn("the edited value has no effect", zap.String("setting", s.Name), zap.String("value", s.Value),
			zap.String("where", s.Where), zap.Stringer("overridden_by", s.Winner))
	}
	if len(changes) == 0 {
		m.log.Info("no setting changed; workers are replaced all the same")
	}
}

// reloaded ends the transaction on the core's word.
func (m *master) reloaded(a fleet.Reloaded) {
	if m.tx.phase != txRolling || a.Generation != m.tx.generation {
		return
	}
	if a.Err != "" && m.stopping {
		m.log.Info("reload called off", zap.Uint64("generation", uint64(a.Generation)))
		m.finishReload(control.OutcomeCalledOff, "the service is stopping")
		return
	}
	if a.Err != "" {
		m.log.Error("reload rolled back; the old configuration serves on",
			zap.Uint64("generation", uint64(a.Generation)), zap.String("cause", a.Err))
		m.finishReload(control.OutcomeRolled, a.Err)
		return
	}
	m.previous, m.current = m.current, m.tx.next
	before := m.tls.loaded
	m.tls.loaded, m.tls.rejected = m.tls.next, ""
	m.introduceCerts(before)
	m.logLevel, m.waitsForUpgrade = "", upgradesIn(m.tx.result.Changes)
	m.applyHot() // before the line: who reads it may count on the new limits
	m.log.Info("reloaded", zap.Uint64("generation", uint64(a.Generation)))
	m.applyLogLevel() // after it: a quieter level must not hide it
	m.finishReload(control.OutcomeDone, "")
}

// finishReload leaves the transaction; the loop starts the one that was asked
// for meanwhile.
func (m *master) finishReload(outcome control.Outcome, text string) {
	r := m.tx.result
	r.Outcome, r.Ended = outcome, time.Now()
	if text != "" || outcome != control.OutcomeDone {
		r.Text = text
	}
	r.Generation = uint64(m.fleet.View().Generation)
	m.lastReload = &r
	m.ledger.Ended(ledger.Reload, counted(outcome))
	m.jot(control.KindReload, nil, told(r), "outcome", string(outcome))
	m.tx.waiters.send(r)
	m.tx = transaction{again: m.tx.again, later: m.tx.later}
	m.tellReady()
}

// resumeReload starts a remembered reload as soon as nothing stands in its way:
// not the last transaction, nor its roll-back.
func (m *master) resumeReload() {
	if m.tx.again == "" || m.stopping || m.obstacle() != "" {
		return
	}
	why, waiting := m.tx.again, m.tx.later
	m.tx.again, m.tx.later = "", nil
	m.startReload(why, m.reread(), waiting)
}

// applyHot puts the committed settings to work in the master itself.
func (m *master) applyHot() {
	m.putLimits()
	m.relisten(m.current.Settings.Backlog)
	m.openWatch()
}

// applyLogLevel puts the committed level to work here and in the workers.
func (m *master) applyLogLevel() {
	s := &m.current.Settings
	if level, err := logs.ParseLevel(s.LogLevel); err == nil {
		m.level.SetLevel(level)
	}
	for _, c := range m.children {
		_ = c.send(handoff.Order{Kind: handoff.OrderLogLevel, LogLevel: s.LogLevel})
	}
}
