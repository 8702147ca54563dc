package autopsy

import (
	"time"

	"github.com/webchasor/webchasor/supervisor/fleet"
)

// Evidence is everything the master knows about one death.
type Evidence struct {
	// Code is the exit status, -1 if a signal ended the process.
	Code int
	// Signal that ended it, "" if it exited. Both "SIGKILL" and the words of
	// [syscall.Signal.String] are understood; see [SignalName].
	Signal string
	// Ready: it had reported that it accepts connections.
	Ready bool
	// Reason why we wanted it gone, "" if we did not.
	Reason fleet.Reason
	// Stuck names the request that made us replace it, e.g. "GET /spin"; may be "".
	Stuck string
	// Ledger of every signal we sent to it, oldest first.
	Ledger []Sent
	// OOM is what the cgroup counted.
	OOM OOM
	// Crash is what the Go runtime wrote through debug.SetCrashOutput.
	Crash string
	// Stderr are its last lines of output, oldest first. The headline of a
	// "fatal error" is found only here; see [IsHeadline].
	Stderr []string
	// BootError are its own words about a failed boot.
	BootError string
	// Stranger: it was no child of ours but of a master before an upgrade, and
	// only a parent is told how a process ended; Code is -1, Signal "". Left
	// says that its scoreboard shows the end of a drain.
	Stranger, Left bool
}

// Sent is one signal that we sent.
type Sent struct {
	Signal string // as in [Evidence.Signal]
	Why    string
	When   time.Time
}

// OOM is the cgroup's counter of out-of-memory kills around one worker's life.
//
// The kernel raises the counter before it sends SIGKILL (mm/oom_kill.c,
// __oom_kill_process: "task reaper must see this"), so a master that reads it
// after the wait sees its own worker's kill. It counts every victim of the
// cgroup, however: Before must not be older than the kills that earlier deaths
// already explain. [Claims] keeps that straight.
type OOM struct {
	Readable bool   // both readings succeeded
	Before   uint64 // at spawn, or later; see [Claims.Before]
	After    uint64 // at death
	Source   string // the file, for the record
}

// rose tells whether a kill is proven.
func (o OOM) rose() bool { return o.Readable && o.After > o.Before }

// Claims remembers which of the cgroup's kills have been explained by a death,
// so that one kill never explains two. The zero value is ready; it belongs to
// the goroutine that reaps.
type Claims struct{ explained uint64 }

// Before is the reading to compare with at a death: the one at spawn, unless
// later kills are already explained.
func (c *Claims) Before(atSpawn uint64) uint64 { return max(atSpawn, c.explained) }

// Settle notes that a verdict used up one kill. Call it after each [Classify].
func (c *Claims) Settle(e Evidence, v Verdict) {
	if v.Cause == CauseOOM {
		c.explained = e.OOM.Before + 1
	}
}
