package worker

import (
	"time"

	"github.com/webchasor/webchasor/internal/ledger"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
)

// Upstream counts what the worker asks of one upstream, so that the master can show
// it: what it has asked for the life of the service, what it thinks now for that of the worker.
type Upstream struct {
	counted *ledger.Upstream
	shown   *scoreboard.Upstream
}

// upstream returns the counters by a name of the settings.
func (in *inheritance) upstream(name string) *Upstream {
	number, counted := in.ledger.Upstream(in.slot, name)
	return &Upstream{counted, in.board.Upstream(number)}
}

// Retried says that the attempt which begins next is not its call's first.
func (u *Upstream) Retried() { u.counted.Retry() }

// Began counts an attempt.
func (u *Upstream) Began() {
	u.counted.Request()
	u.shown.Active(1)
}

// Ended says that it is over, and whether it failed by the upstream's fault.
func (u *Upstream) Ended(failed bool) {
	u.shown.Active(-1)
	if failed {
		u.counted.Failed()
	}
}

// Limited counts an answer that says: too many.
func (u *Upstream) Limited() { u.counted.Limited() }

// Answered counts an answer and how long its beginning was waited for.
func (u *Upstream) Answered(waited time.Duration) { u.counted.Answered(waited) }

// Healthy says that it is used.
func (u *Upstream) Healthy() { u.shown.Set(scoreboard.UpstreamHealthy, 0) }

// Probing says that one request is on its way to find out whether it works.
func (u *Upstream) Probing() { u.shown.Set(scoreboard.UpstreamProbing, 0) }

// Ejected says that it is left alone for so long; again says that this goes on from before.
func (u *Upstream) Ejected(d time.Duration, again bool) {
	u.shown.Set(scoreboard.UpstreamEjected, sys.Monotonic()+d)
	if !again {
		u.counted.Ejected()
	}
}
