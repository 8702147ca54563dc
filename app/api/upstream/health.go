package upstream

import (
	"fmt"
	"sync"
	"time"
)

// condition is the state of an upstream.
type condition int

const (
	healthy condition = iota // used
	ejected                  // not used until its time is over, unless all are
	probing                  // one request is on its way to find out
)

func (c condition) String() string {
	return [...]string{"healthy", "ejected", "probing"}[c]
}

// news is what one request has to say about its upstream.
type news int

const (
	asked     news = iota // may I use it?
	alive                 // it began to answer
	succeeded             // its answer was whole, or our client left while it came
	failed                // it did not answer, or broke off
	abandoned             // the client left before there was anything to tell
)

// health decides whether an upstream is to be used. Any goroutine may use it.
type health struct {
	rule Ejection
	tell func(condition, time.Duration) // called on every change, with the mutex held

	mu        sync.Mutex
	state     condition
	failures  int       // in a row
	ejections int       // without a quiet time between them; each doubles the next
	until     time.Time // end of the ejection; or since when it is healthy again
	total     uint64    // ejections ever
}

// pass is the right to send one request, and the duty to say how it went.
type pass struct {
	probe  bool // it decides for all
	forced bool // it was sent though the upstream is ejected, since nothing better was left
}

// ask returns whether the upstream may be used now, and the pass if so.
func (h *health) ask(now time.Time) (pass, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.state
	h.next(asked, pass{}, now)
	return pass{probe: before == ejected && h.state == probing}, h.state == healthy || before == ejected && h.state == probing
}

// usable is ask without taking a pass.
func (h *health) usable(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state == healthy || h.state == ejected && !now.Before(h.until)
}

// hopeful says that requests go there, or will at once: it is not ejected, or about to be tried.
func (h *health) hopeful(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state != ejected || !now.Before(h.until)
}

// report tells how a request went.
func (h *health) report(n news, p pass, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next(n, p, now)
}

// next is the only place where the state changes.
func (h *health) next(n news, p pass, now time.Time) {
	before := h.state
	switch h.state {
	case healthy:
		switch n {
		case succeeded:
			h.failures = 0
			if h.ejections > 0 && now.Sub(h.until) >= h.lasts(h.ejections) {
				h.ejections, h.until = h.ejections-1, now
			}
		case failed:
			h.failures++
			if h.rule.Failures > 0 && h.failures >= h.rule.Failures {
				h.eject(now)
			}
		default:
		}
	case ejected:
		switch {
		case n == asked && !now.Before(h.until):
			h.state = probing
		case n == alive && p.forced:
			h.recover(now)
		default: // news of requests from before the ejection
		}
	case probing:
		switch {
		case n == alive && (p.probe || p.forced):
			h.recover(now)
		case n == failed && p.probe:
			h.eject(now)
		case n == abandoned && p.probe:
			h.state = ejected // until is over, so that the next request is the probe
		}
	}
	if h.state != before {
		h.tell(h.state, max(0, h.until.Sub(now)))
	}
}

func (h *health) eject(now time.Time) {
	h.ejections++
	h.total++
	h.state, h.failures = ejected, 0
	h.until = now.Add(h.lasts(h.ejections))
}

func (h *health) recover(now time.Time) {
	h.state, h.failures, h.until = healthy, 0, now
}

// lasts is how long the nth ejection in a row lasts.
func (h *health) lasts(n int) time.Duration {
	d := h.rule.Time
	for ; n > 1 && d < h.rule.MaxTime; n-- {
		d *= 2
	}
	return min(d, h.rule.MaxTime)
}

func (h *health) status(now time.Time) (state string, left time.Duration, total uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == ejected {
		left = max(0, h.until.Sub(now))
	}
	return fmt.Sprint(h.state), left, h.total
}
