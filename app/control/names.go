package control

import "github.com/webchasor/webchasor/internal/control"

// The states of health.
const (
	HealthOK       = control.HealthOK
	HealthDegraded = control.HealthDegraded // it serves, but not with everything it should have
	HealthDown     = control.HealthDown     // no worker is ready
)

// What the service as a whole is doing.
const (
	PhaseStarting  = control.PhaseStarting
	PhaseServing   = control.PhaseServing
	PhaseReloading = control.PhaseReloading
	PhaseRollback  = control.PhaseRollback
	PhaseUpgrading = control.PhaseUpgrading
	PhaseParked    = control.PhaseParked // drained: the master lives, no worker does
	PhaseStopping  = control.PhaseStopping
)

// The states of a worker.
const (
	StateBooting  = control.StateBooting
	StateReady    = control.StateReady
	StateSuspect  = control.StateSuspect // ready, but its heartbeat is late
	StateHung     = control.StateHung    // silent for longer than timeout
	StateFull     = control.StateFull    // ready, holds all the connections it may
	StateDraining = control.StateDraining
	StateAborting = control.StateAborting // asked for its stacks
	StateKilled   = control.StateKilled   // SIGKILL was sent
	StateAbsent   = control.StateAbsent   // the slot is empty; PID is 0
)

// The kinds of events.
const (
	KindStart    = control.KindStart    // a master began
	KindUp       = control.KindUp       // all workers are ready for the first time
	KindReady    = control.KindReady    // a worker accepts connections
	KindExit     = control.KindExit     // a worker left as planned
	KindDeath    = control.KindDeath    // a worker died
	KindTimeout  = control.KindTimeout  // a worker is silent or stuck for too long
	KindSuspect  = control.KindSuspect  // a heartbeat is late
	KindRecover  = control.KindRecover  // a suspect beats again
	KindBoot     = control.KindBoot     // a worker did not get ready
	KindBackoff  = control.KindBackoff  // a respawn waits
	KindReload   = control.KindReload   // began, committed, rejected, rolled back: Fields["outcome"]
	KindUpgrade  = control.KindUpgrade  // began, done, failed: Fields["outcome"]; between them Fields["ready"] of ["wanted"] workers
	KindScale    = control.KindScale    // another number of workers is wanted
	KindRecycle  = control.KindRecycle  // an operator asked for a replacement
	KindDrain    = control.KindDrain    // all workers were asked to leave, the master stays
	KindStop     = control.KindStop     // the service stops
	KindLogLevel = control.KindLogLevel // changed by an operator
	KindBacklog  = control.KindBacklog  // an accept queue is or was full
	KindPoison   = control.KindPoison   // a kind of request that was in flight in several deaths
	KindTLS      = control.KindTLS      // certificates changed, or were rejected
	KindSlept    = control.KindSlept    // the master itself was suspended
	KindRefused  = control.KindRefused  // an order that could not be honoured
	KindOrphan   = control.KindOrphan   // about a worker of an earlier master
)

// How orders end.
const (
	OutcomeBegun     = control.OutcomeBegun // nobody waits for its end
	OutcomeDone      = control.OutcomeDone
	OutcomeRejected  = control.OutcomeRejected // nothing was tried, e.g. the configuration is wrong
	OutcomeRolled    = control.OutcomeRolled   // it was tried, and undone
	OutcomeFailed    = control.OutcomeFailed
	OutcomeCalledOff = control.OutcomeCalledOff // a later order took its place
)

// The codes of an [Error].
const (
	CodeUsage    = control.CodeUsage    // the request itself makes no sense
	CodeDenied   = control.CodeDenied   // the caller is neither the owner nor root
	CodeNotFound = control.CodeNotFound // no such worker, death or path
	CodeRefused  = control.CodeRefused  // not now: the message says why
	CodeFailed   = control.CodeFailed   // it was tried
	CodeSilent   = control.CodeSilent   // the worker does not answer
	CodeLeaving  = control.CodeLeaving  // this master is about to end
)

// Version is the version of the API, the number in its paths.
const Version = control.Version
