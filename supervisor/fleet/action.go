package fleet

// Action is work for the shell, in the order it has to be done.
type Action interface{ action() }

// Spawn starts a worker process for a slot.
type Spawn struct {
	ID         ID
	Slot       int
	Generation Generation
}

// Drain asks a worker to finish what is under way and leave.
type Drain struct {
	ID     ID
	Reason Reason
}

// Quit asks a worker to leave at once (quick stop).
type Quit struct{ ID ID }

// Abort asks a worker that hangs for its stacks (SIGABRT); Kill follows if it does not end.
type Abort struct {
	ID     ID
	Reason Reason
}

// Kill ends a worker with SIGKILL.
type Kill struct {
	ID     ID
	Reason Reason
}

// Note is a fact an operator should see. The shell turns it into a log line.
type Note struct {
	Kind   NoteKind
	ID     ID // 0 when no worker is meant
	Slot   int
	Detail string
}

// Reloaded ends a reload transaction. Err is empty on commit; otherwise the
// old generation serves on.
type Reloaded struct {
	Generation Generation
	Err        string
}

// Up: for the first time, every slot has a ready worker.
type Up struct{}

// Exit ends the master with a status; no worker is left.
type Exit struct {
	Code   int
	Detail string
}

func (Spawn) action()    {}
func (Drain) action()    {}
func (Quit) action()     {}
func (Abort) action()    {}
func (Kill) action()     {}
func (Note) action()     {}
func (Reloaded) action() {}
func (Up) action()       {}
func (Exit) action()     {}

// Reason says why a worker has to go.
type Reason string

// The reasons. All but the first three are plans; those are emergencies.
const (
	ReasonSilent   Reason = "silent"       // no heartbeat for Policy.Timeout
	ReasonBoot     Reason = "boot_timeout" // not ready in time
	ReasonOverdue  Reason = "overdue"      // did not end its drain in time
	ReasonTimeout  Reason = "timeout"      // stuck requests
	ReasonRequests Reason = "max_requests"
	ReasonMemory   Reason = "max_memory"
	ReasonReload   Reason = "reload"
	ReasonRollback Reason = "rollback"
	ReasonScale    Reason = "scale"
	ReasonPark     Reason = "park"
	ReasonStop     Reason = "stop"
	ReasonOperator Reason = "operator"
	ReasonTerm     Reason = "SIGTERM" // somebody sent it to the worker itself
)

// NoteKind names an observation.
type NoteKind string

// The observations.
const (
	NoteSuspect    NoteKind = "suspect"     // heartbeat late
	NoteRecovered  NoteKind = "recovered"   // a suspect beats again
	NoteTimeout    NoteKind = "timeout"     // "Worker timeout": silent or stuck for Policy.Timeout
	NoteBootFailed NoteKind = "boot_failed" // died or hung before ready
	NoteBackoff    NoteKind = "backoff"     // respawn delayed; Detail has the delay
	NoteRefused    NoteKind = "refused"     // an event that cannot be honoured now, and why
	NoteSlept      NoteKind = "slept"       // the master itself was suspended; clocks were shifted
)
