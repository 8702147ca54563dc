package supervisor

import (
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/scoreboard"
)

// nameUpstreams gives the upstreams of settings their numbers, before a worker
// that has them looks for them. They keep them for the life of the service.
func (m *master) nameUpstreams(s *config.Settings) {
	var names []string
	for _, u := range s.API.OpenAI.All() {
		names = append(names, u.Name)
	}
	if len(names) > 0 {
		m.ledger.AddUpstreams(names)
	}
}

// upstreams says what all workers think of them, those of other masters and
// generations too, and what was ever asked of them. One that no worker has any more is not listed.
func (m *master) upstreams(now time.Duration) (all []control.Upstream) {
	names, counts := m.ledger.Upstreams(), m.ledger.Asked()
	if len(names) == 0 {
		return nil
	}
	known := make([]control.Upstream, len(names))
	look := func(b *scoreboard.Board) {
		if b == nil {
			return
		}
		views := b.Upstreams()
		for i := range known {
			if v := views[i]; v.State != scoreboard.UpstreamUnknown {
				addView(&known[i], v, now)
			}
		}
	}
	for _, c := range m.children {
		look(c.board)
	}
	for _, o := range m.orphans {
		look(o.board)
	}
	for i, u := range known {
		if u.Workers == 0 {
			continue
		}
		n := counts[i]
		u.Name, u.Requests, u.Failures, u.Limited, u.Retries = names[i], n.Requests, n.Failures, n.Limited, n.Retries
		u.Ejections, u.Answers, u.FirstByte = n.Ejections, n.Answers, control.Sec(n.Waited)
		all = append(all, u)
	}
	return all
}

// addView adds what one worker thinks.
func addView(u *control.Upstream, v scoreboard.UpstreamView, now time.Duration) {
	u.Workers++
	u.InFlight += v.Active
	if v.State == scoreboard.UpstreamHealthy {
		return
	}
	back := control.Sec(max(v.Until-now, 0))
	if u.Ejected == 0 || back < u.Back {
		u.Back = back
	}
	u.Ejected++
}
