package supervisor

import (
	"time"

	"github.com/webchasor/webchasor/internal/machine"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
)

// "Lately", for rates and percentiles, is between 10 and 15 s: marks are made
// every markEvery and the oldest of markCount is compared with now.
const (
	markEvery = 5 * time.Second
	markCount = 3
)

// mark is what a worker had counted at one moment.
type mark struct {
	at       time.Time
	requests uint64
	errors   uint64 // 5xx, or no answer
	cpu      time.Duration
	latency  *scoreboard.Histogram
}

// window is a worker's latest marks, the oldest first.
type window struct {
	marks []mark
}

// measure makes a mark for every worker, and one of the whole, when it is time.
func (m *master) measure(now time.Time) {
	if m.tallies.due(now) {
		m.tallies.add(m.tally(now))
		m.facts = machine.Read() // limits of a container may change under way
	}
	for _, c := range m.children {
		if n := len(c.window.marks); n > 0 && now.Sub(c.window.marks[n-1].at) < markEvery {
			continue
		}
		c.window.add(markOf(c, now))
	}
}

func (w *window) add(k mark) {
	if len(w.marks) == markCount {
		w.marks = append(w.marks[:0], w.marks[1:]...)
	}
	w.marks = append(w.marks, k)
}

// markOf looks at a worker now. Its processor time is 0 where it cannot be read.
func markOf(c *child, now time.Time) mark {
	n := c.board.Snapshot().Counters
	k := mark{at: now, requests: n.Requests(), errors: n.ByClass[0] + n.ByClass[5], latency: c.board.Histogram()}
	k.cpu, _ = sys.CPUTime(c.pid)
	return k
}

// lately is what happened since the oldest mark.
type lately struct {
	over    time.Duration
	count   uint64
	errors  uint64
	latency *scoreboard.Histogram
	cpu     time.Duration // used in that time
	total   time.Duration // used at all
}

func (w *window) until(k mark) lately {
	l := lately{latency: &scoreboard.Histogram{}, total: k.cpu}
	if len(w.marks) == 0 {
		return l
	}
	first := w.marks[0]
	l.over = k.at.Sub(first.at)
	l.count = k.requests - min(first.requests, k.requests)
	l.errors = k.errors - min(first.errors, k.errors)
	l.latency = k.latency.Since(first.latency)
	l.cpu = max(k.cpu-first.cpu, 0)
	return l
}

// per is how many a second; 0 over no time.
func per(n float64, over time.Duration) float64 {
	if over <= 0 {
		return 0
	}
	return n / over.Seconds()
}

// share is a part of all; 0 of none.
func share(part, all uint64) float64 {
	if all == 0 {
		return 0
	}
	return float64(min(part, all)) / float64(all)
}
