package worker

import (
	"fmt"
	"syscall"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/permits"
	"github.com/webchasor/webchasor/internal/sys"
)

// openPermits takes this worker's seat on the board of permits. The bells are
// kept as they are, because they are only written to.
func (in *inheritance) openPermits() error {
	seat := in.boot.Permits
	d := permits.Descriptors{Memory: handoff.FDPermits}
	if seat == nil {
		return sys.CloseFD(handoff.FDPermits)
	}
	for i := range permits.Lanes {
		if seat.Bells {
			syscall.CloseOnExec(handoff.FDBells + i)
			d.Bells = append(d.Bells, handoff.FDBells+i)
		}
	}
	board, err := permits.Open(d)
	if err != nil {
		return fmt.Errorf("cannot use the permits at descriptor %d: %w", handoff.FDPermits, err)
	}
	in.permits = board.Place(permits.Seat{Row: seat.Row, Token: seat.Token})
	return sys.CloseFD(handoff.FDPermits)
}
