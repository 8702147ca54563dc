package steer

import "time"

const (
	// fastest is the interval between samples while connections come and go.
	fastest = 20 * time.Millisecond
	// slowest bounds what an idle service is sampled.
	slowest = 250 * time.Millisecond
	// patience is how many samples without movement begin the slowing down.
	patience = 5
)

// Pacer says when to sample next. The zero value is ready.
type Pacer struct {
	still int
	wait  time.Duration
}

// Next returns the time to the next sample; moved says whether the totals have
// changed since the last. A change brings the shortest interval back at once.
func (p *Pacer) Next(moved bool) time.Duration {
	switch {
	case moved || p.wait == 0:
		p.still, p.wait = 0, fastest
	case p.still < patience:
		p.still++
	default:
		p.wait = min(2*p.wait, slowest)
	}
	return p.wait
}
