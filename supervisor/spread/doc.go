// Package spread decides where connections belong: which healthy worker looks
// after a slot that has none of its own, who takes over the connections of a
// worker that leaves, and who gives some away so that all hold about as many.
//
// It is pure: plain values in, plain values out, no clock, no I/O. Weights for
// new connections are package internal/steer's.
package spread

import "github.com/webchasor/webchasor/supervisor/fleet"

// Worker is one that accepts: ready, not leaving, and not silent.
type Worker struct {
	ID          fleet.ID
	Slot        int
	Connections int
	Capacity    int
}

// free is how many connections it can still take.
func (w Worker) free() int { return max(w.Capacity-w.Connections, 0) }
