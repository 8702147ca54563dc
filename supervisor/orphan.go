package supervisor

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/blackbox"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/autopsy"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// orphanRecord is what a new master needs to know of a worker that it did not start.
type orphanRecord struct {
	PID, Slot  int
	Generation uint64
	Budget     time.Duration // for its drain, from the upgrade on
	Upgrades   int           // how many it has survived already
	Started    time.Time     // zero if its master did not say
	Lined      bool          // its master passes a line on to it, see [invitation]
}

// orphanState is where an orphan is in the rest of its life.
type orphanState string

const (
	orphanDraining orphanState = "draining" // finishes what it has
	orphanAborting orphanState = "aborting" // asked for its stacks
	orphanKilled   orphanState = "killed"   // SIGKILL was sent
)

// orphan is a worker of an upgraded-from master. It finishes long streams on
// its own. We are not its parent: a pidfd tells when it ends, and what it
// shared with its master tells how.
type orphan struct {
	orphanRecord
	state    orphanState
	deadline time.Time // of the drain; zero before this master serves
	until    time.Time // of the other states
	reason   fleet.Reason
	heirs    []fleet.ID // who takes its connections
	ledger   []autopsy.Sent
	keepsakes
	board *scoreboard.Board // nil if it was not handed over, or has another layout
	box   *blackbox.Box     // likewise
	// throttled is the reading when this master took over: what it says of the
	// orphan's life is the least that happened.
	throttled throttling
}

// keepsakes are the descriptors of an orphan that go from master to master; -1
// where there is none. line is the sending end of its line.
type keepsakes struct{ pidfd, boardFD, crash, boxFD, line int }

func (k keepsakes) close() {
	for _, fd := range []int{k.pidfd, k.boardFD, k.crash, k.boxFD, k.line} {
		if fd >= 0 {
			_ = sys.CloseFD(fd)
		}
	}
}

func (o *orphan) fields(more ...zap.Field) []zap.Field {
	return append([]zap.Field{
		zap.Int("worker_pid", o.PID), zap.Int("worker_slot", o.Slot), zap.Uint64("worker_generation", o.Generation),
	}, more...)
}

// open maps what the orphan wrote. Without it there is less to tell about its end.
func (o *orphan) open() error {
	var failed []error
	var err error
	if o.boardFD >= 0 {
		if o.board, err = scoreboard.Open(o.boardFD); err != nil {
			failed = append(failed, err)
		}
	}
	if o.boxFD >= 0 {
		if o.box, err = blackbox.Open(o.boxFD); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// close lets go of everything.
func (o *orphan) close() {
	if o.board != nil {
		_ = o.board.Close()
	}
	if o.box != nil {
		_ = o.box.Close()
	}
	o.keepsakes.close()
}

// progress grows while the orphan answers, if its scoreboard can be read.
func (o *orphan) progress() uint64 {
	if o.board == nil {
		return 0
	}
	return progressOf(o.board)
}

// transition is the only place that changes the state: forward, and killing is
// possible at any time.
func (o *orphan) transition(to orphanState, now time.Time) error {
	possible := false
	switch o.state {
	case orphanDraining:
		possible = to == orphanAborting || to == orphanKilled
	case orphanAborting, orphanKilled: // once more, if it did not help
		possible = to == orphanKilled
	}
	if !possible {
		return fmt.Errorf("worker %d cannot become %s: it is %s", o.PID, to, o.state)
	}
	o.state = to
	if to == orphanAborting {
		o.until = now.Add(abortBudget)
	} else {
		o.until = now.Add(orphanKillRetry)
	}
	return nil
}

// orphanKillRetry is how long a SIGKILL may take before it is sent again.
const orphanKillRetry = 5 * time.Second

// overdue says why an orphan has to end now; empty while it may stay.
func (o *orphan) overdue(now time.Time) string {
	switch {
	case o.Upgrades >= orphanUpgrades:
		return "it has survived too many upgrades"
	case now.After(o.deadline):
		return "its time to finish is over"
	}
	return ""
}

// signal goes through the pidfd, so never to a stranger with the same number.
func (o *orphan) signal(sig syscall.Signal, why string, now time.Time) error {
	err := sys.PidfdSignal(o.pidfd, sig)
	if err == nil {
		o.ledger = append(o.ledger, autopsy.Sent{Signal: autopsy.SignalName(sig), Why: why, When: now})
	} else if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	return err
}
