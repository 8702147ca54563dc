package supervisor

import (
	"maps"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/supervisor/autopsy"
)

// tally counts how workers ended, so that status can say how restless a slot is.
type tally struct {
	byCause map[string]uint64
	slots   map[int]slotTally
}

// slotTally is one slot's part.
type slotTally struct {
	ended uint64
	last  *control.Death // the latest abnormal one
}

func newTally() tally {
	return tally{byCause: make(map[string]uint64), slots: make(map[int]slotTally)}
}

// count notes the end of a worker. death is nil if it was planned.
func (t *tally) count(slot int, cause autopsy.Cause, death *control.Death) {
	t.byCause[string(cause)]++
	s := t.slots[slot]
	s.ended++
	if death != nil {
		s.last = death
	}
	t.slots[slot] = s
}

// causes is a copy, for whoever asks.
func (t *tally) causes() map[string]uint64 { return maps.Clone(t.byCause) }
