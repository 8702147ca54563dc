package supervisor

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/blackbox"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/permits"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/autopsy"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// child is one worker process as the master sees it. Its fields belong to the
// loop, except those that its goroutines (control.go) are given at the start.
type child struct {
	id          fleet.ID
	slot        int
	generation  fleet.Generation
	pid         int
	proc        *os.Process
	control     *sys.Channel
	board       *scoreboard.Board
	boardFD     int           // of board; a next master gets it
	crash       int           // memfd the runtime writes a crash into
	refuses     int           // version of the list of refused requests that it has
	box         *blackbox.Box // the last lines it logged
	boxFD       int           // of box
	words       *lastWords
	started     time.Time
	seat        *permits.Seat // on the board of permits; nil if it has none
	window      window        // what it did lately
	maxRequests uint64        // after which it is replaced; 0 is off
	ready       time.Time     // zero until it is
	oomBefore   oomReading
	throttled   throttling
	reason      fleet.Reason // why we asked it to go; empty if we did not
	heirs       []fleet.ID   // who takes its connections
	stuck       string       // the request it reported as stuck
	failed      string       // its own report of a failed boot
	ledger      []autopsy.Sent
	awaited     bool // in a stop, the port stays open until it has let go
	letGo       bool // it has emptied the accept queue and closed its listening sockets
}

// fields are the log fields that name this worker.
func (c *child) fields(more ...zap.Field) []zap.Field {
	return append([]zap.Field{
		zap.Int("worker_pid", c.pid),
		zap.Int("worker_slot", c.slot),
		zap.Uint64("worker_generation", uint64(c.generation)),
	}, more...)
}

// send writes one packet. The channel never blocks the loop: a worker that
// does not read is found by its silence, not by waiting for it here.
func (c *child) send(o handoff.Order) error {
	packet, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("cannot encode order: %w", err)
	}
	return c.control.TrySend(packet)
}

// signal sends sig through the process handle (a pidfd, so never to a stranger
// that got the same pid) and notes why.
func (c *child) signal(sig syscall.Signal, why string) error {
	if err := c.deliver(sig); err != nil {
		return err
	}
	c.ledger = append(c.ledger, autopsy.Sent{Signal: autopsy.SignalName(sig), Why: why, When: time.Now()})
	return nil
}

// deliver gives SIGABRT to the thread that runs: the Go runtime cannot show the
// stack of a goroutine that is running on another thread than the one which
// got the signal, and a goroutine that spins is the one that matters.
func (c *child) deliver(sig syscall.Signal) error {
	if sig == syscall.SIGABRT {
		// We have not waited for it, so the numbers are still its own.
		if tid := sys.RunningThread(c.pid); tid != 0 && sys.SignalThread(c.pid, tid, sig) == nil {
			return nil
		}
	}
	return c.proc.Signal(sig)
}

// release closes what the master held for this worker.
func (c *child) release() {
	c.control.Close()
	c.board.Close()
	_ = c.box.Close()
	_, _ = sys.CloseFD(c.boardFD), sys.CloseFD(c.boxFD)
	if c.crash >= 0 { // else it was handed on
		_ = sys.CloseFD(c.crash)
	}
}
