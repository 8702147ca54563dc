package autopsy

import (
	"slices"
	"time"

	"github.com/webchasor/webchasor/internal/machine"
)

// Record is what is kept of one death. The shell fills it from the evidence,
// the scoreboard and the wait status. [Record.ID] names it.
type Record struct {
	Time        time.Time
	PID         int
	Slot        int
	Generation  uint64
	Version     string // of the program
	Verdict     Verdict
	Code        int    // exit status, -1 if a signal ended it
	Signal      string // that signal, "" if it exited
	Uptime      time.Duration
	Silent      time.Duration // age of the last heartbeat
	Requests    uint64        // finished in its life
	Connections int           // at death
	InFlight    []Request     // at death, in any order
	Idle        []string      // clients of connections without a request at death, the first of
	IdleAll     int           // so many
	Stacks      Dump          // empty: see Verdict.NoStacks
	Stderr      []string      // last lines of its output, oldest first
	Log         []string      // last lines it wrote to the log, oldest first
	Usage       Usage
	Pressure    Pressure
	// Seen says that a kind of request in flight was there in earlier deaths too.
	Seen []string
}

// Pressure is the machine at the moment of death.
type Pressure struct {
	machine.Pressure
	// What the CPU quota took from the cgroup while the worker lived.
	ThrottledInLife    uint64
	ThrottledInLifeFor time.Duration
}

// Request is one request that was in flight at death.
type Request struct {
	ID            uint64
	Method        string
	Path          string
	Client        string
	Age           time.Duration // since it began
	SinceProgress time.Duration // since bytes last moved
	BytesOut      uint64
	// Flags are free words, e.g. "streaming", "answered", "stuck", "torn".
	Flags []string
}

// FlagStuck marks a request whose handler did not end after its time-out, and
// FlagAnswered one whose client has got an answer from the watchdog: it is not lost.
const (
	FlagStuck    = "stuck"
	FlagAnswered = "answered"
)

// Answered says whether its client had an answer, although the handler had not ended.
func (q Request) Answered() bool { return slices.Contains(q.Flags, FlagAnswered) }

// Lost is how many requests in flight got no answer.
func (r Record) Lost() (n int) {
	for _, q := range r.InFlight {
		if !q.Answered() {
			n++
		}
	}
	return n
}

// Usage is what the process consumed in its life.
type Usage struct {
	User        time.Duration
	System      time.Duration
	MaxRSS      int64 // bytes
	MajorFaults int64 // pages read from disk
	Preempted   int64 // involuntary context switches
	Yielded     int64 // voluntary ones
}

// Culprit is the request that most likely caused the death, and whether one
// can be named at all: the stuck one in a timeout; otherwise only a request
// that was alone, because a traceback does not say which request it served.
func (r Record) Culprit() (Request, bool) {
	switch r.Verdict.Cause {
	case CauseTimeout, CauseOverdue:
		if len(r.InFlight) > 0 {
			return r.byBlame()[0], true
		}
	case CausePanic, CauseFatal, CauseOOM, CauseExit:
		if len(r.InFlight) == 1 {
			return r.InFlight[0], true
		}
	}
	return Request{}, false
}

// byBlame sorts the stuck ones first, then the longest without progress.
func (r Record) byBlame() []Request {
	s := slices.Clone(r.InFlight)
	slices.SortStableFunc(s, func(a, b Request) int {
		if x, y := slices.Contains(a.Flags, FlagStuck), slices.Contains(b.Flags, FlagStuck); x != y {
			if x {
				return -1
			}
			return 1
		}
		return int(max(-1, min(1, b.SinceProgress-a.SinceProgress)))
	})
	return s
}
