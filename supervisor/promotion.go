package supervisor

import (
	"time"

	"github.com/webchasor/webchasor/internal/control"
)

// promotion is an upgrade under way, as those see it who asked for it.
type promotion struct {
	began   time.Time
	order   string // "upgrade" or "rollback"
	waiters waiters
	trouble string // what the new master told of a worker that did not get ready
	last    *control.Result
	from    string // version of the previous master; "" if there was none
	file    string // its configuration file; "" if there was none
	origin  string // executes the previous master's image; "" if there was none
	count   int    // upgrades that this service has been through
}

// beginPromotion notes who waits for the end of the upgrade.
func (m *master) beginPromotion(order string, waiting waiters) {
	m.promotion.began, m.promotion.order, m.promotion.waiters, m.promotion.trouble = time.Now(), order, waiting, ""
	m.jot(control.KindUpgrade, nil, order+": starting a new master", "outcome", string(control.OutcomeBegun))
}

// endPromotion tells them. pid is the new master's; 0 if there is none, or it has not said.
func (m *master) endPromotion(outcome control.Outcome, text string, pid int) {
	p := &m.promotion
	r := control.Result{Order: p.order, Outcome: outcome, Text: text, PID: pid, Began: p.began, Ended: time.Now()}
	p.last = &r
	m.jot(control.KindUpgrade, nil, told(r), "outcome", string(outcome))
	p.waiters.send(r)
	p.waiters = nil
}

// why is the reason for which the new master did not get ready.
func (p *promotion) why(err error) string {
	if p.trouble != "" {
		return p.trouble
	}
	return oneLine(err)
}
