// Package holder is a client process that holds many connections: one process
// alone may not have enough descriptors. The parent writes one JSON order per
// line to its standard input and reads one JSON answer per line.
package holder

import (
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// Command is the first argument of a process that is a holder.
const Command = "hold"

// Order tells a holder what to do next. Exactly one of Open and Run is set.
type Order struct {
	// Open is how many connections to make, to Addr, each with one request so
	// that a worker is known to have it.
	Open int    `json:"open,omitempty"`
	Addr string `json:"addr,omitempty"`
	// Run is for how long to send Rate requests per second, over all
	// connections in turn.
	Run  time.Duration `json:"run,omitempty"`
	Rate int           `json:"rate,omitempty"`
}

// Answer is what came of an order.
type Answer struct {
	Requests int                      `json:"requests"`
	Outcomes map[testproc.Outcome]int `json:"outcomes"`
	// Reconnects counts connections made anew since the opening.
	Reconnects int             `json:"reconnects"`
	Latencies  []time.Duration `json:"latencies,omitempty"` // of a Run
	// Failures describes the first few.
	Failures []string `json:"failures,omitempty"`
	// Late is by how much the sending fell behind its schedule at worst.
	Late time.Duration `json:"late"`
}

// Add adds the figures of another holder.
func (a *Answer) Add(b Answer) {
	if a.Outcomes == nil {
		a.Outcomes = map[testproc.Outcome]int{}
	}
	a.Requests += b.Requests
	a.Reconnects += b.Reconnects
	for k, n := range b.Outcomes {
		a.Outcomes[k] += n
	}
	a.Latencies = append(a.Latencies, b.Latencies...)
	a.Failures = append(a.Failures, b.Failures...)
	a.Late = max(a.Late, b.Late)
}
