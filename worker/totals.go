package worker

import (
	"fmt"
	"time"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/ledger"
	"github.com/webchasor/webchasor/internal/scoreboard"
)

// totals counts twice: for this worker on its scoreboard, and for its slot in the ledger, which outlives it.
type totals struct {
	scoreboard.Totals
	slot   *ledger.Slot   // nil in tests: counts nothing
	routes *ledger.Router // nil: every path is route 0
}

// Request counts a finished request. Route is what totals.routes found for its path.
func (t totals) Request(route uint8, status int, bytesOut uint64, took time.Duration) {
	t.Totals.Request(status, bytesOut, took)
	t.slot.Request(route, status, bytesOut, took)
}

// Timeout counts a request that the watchdog ended.
func (t totals) Timeout() {
	t.Totals.Timeout()
	t.slot.Timeout()
}

// Panic counts a panic in a handler or a stream.
func (t totals) Panic() {
	t.Totals.Panic()
	t.slot.Panic()
}

// Lost counts a request that is given up without an answer.
func (t totals) Lost() {
	t.Totals.Lost()
	t.slot.Lost()
}

// openLedger takes the slot's part of the service's counters over.
func (in *inheritance) openLedger() error {
	l, err := ledger.Open(handoff.FDLedger)
	if err != nil {
		return fmt.Errorf("cannot use the counters at descriptor %d: %w", handoff.FDLedger, err)
	}
	in.ledger = l
	if in.slot, err = l.Slot(in.boot.Slot); err != nil {
		return err
	}
	return l.Close() // the mappings stay; whatever the application starts must not have it
}
