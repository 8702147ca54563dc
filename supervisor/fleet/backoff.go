package fleet

import (
	"math"
	"time"
)

// Early deaths, those before ready or soon after, slow down a slot's respawns:
// at once, then 0.1-0.2 s, doubling to 15-30 s. The range is the jitter: slots
// that fail together (a bad database, a bad file) drift apart, so N slots
// start at most N workers per step, spread over half the step's length.
//
// It is never a lifetime counter: a worker that stays ready for longer than
// the last delay and the grace forgives everything.
const (
	backoffFirst = 200 * time.Millisecond
	backoffMost  = 30 * time.Second
	backoffGrace = 5 * time.Second // a death this soon after ready is early
)

type backoff struct {
	failures int
	delay    time.Duration // the last one
	failed   time.Time     // when the last one was given
	until    time.Time     // no respawn before
}

// fail counts an early death and returns the delay of the respawn. roll is
// uniform in [0,1).
func (b *backoff) fail(now time.Time, roll float64) time.Duration {
	b.failures++
	b.delay = backoffDelay(b.failures, roll)
	b.failed, b.until = now, now.Add(b.delay)
	return b.delay
}

// forgive resets the backoff when a worker, ready since the last failure, has
// stayed so for long enough.
func (b *backoff) forgive(w *worker, now time.Time) {
	if w == nil || w.readyAt.IsZero() || w.readyAt.Before(b.failed) {
		return
	}
	if now.Sub(w.readyAt) > b.delay+backoffGrace {
		*b = backoff{}
	}
}

// backoffDelay is the wait after so many early deaths in a row.
func backoffDelay(failures int, roll float64) time.Duration {
	if failures <= 1 {
		return 0
	}
	d := backoffMost
	if doublings := failures - 2; doublings < 16 { // 0.2 s << 16 is far above the most
		d = min(backoffFirst<<doublings, backoffMost)
	}
	if math.IsNaN(roll) {
		roll = 0
	}
	roll = min(max(roll, 0), 1)
	return d/2 + time.Duration(roll*float64(d/2))
}
