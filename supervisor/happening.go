package supervisor

import (
	"os"
	"time"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/machine"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// happening is what a helper goroutine tells the loop. The set is sealed: the
// structs below. apply runs on the loop's goroutine and may touch the master.
type happening interface{ apply(m *master) }

// reported: a worker sent a packet.
type reported struct {
	id     fleet.ID
	report handoff.Report
}

// exited: a worker is gone and reaped, and its last words have been read.
type exited struct {
	id    fleet.ID
	state *os.ProcessState
	at    time.Time
	// pressure is the machine's at that moment.
	pressure machine.Pressure
}

// loaded: the configuration was read again, or could not be.
type loaded struct {
	next generation
	err  error
}

// upgraded: the upgrade ended; err is nil when the new master serves.
type upgraded struct{ err error }

func (h reported) apply(m *master) { m.reported(h.id, h.report) }
func (h exited) apply(m *master)   { m.exited(h) }
func (h loaded) apply(m *master)   { m.loaded(h.next, h.err) }
func (h upgraded) apply(m *master) { m.upgraded(h.err) }
