package fleet

import "time"

// ID names one worker incarnation. It is never reused within a master's life.
type ID uint64

// Generation numbers configurations; a reload that commits makes the next one.
type Generation uint64

// Event is anything that happened. The set is sealed: see the structs below.
type Event interface{ event() }

// Start begins the fleet: Policy.Workers slots are filled at once.
type Start struct {
	Generation Generation
	Policy     Policy
}

// Ready: the worker accepts connections.
type Ready struct{ ID ID }

// SpawnFailed: the process could not be created at all.
type SpawnFailed struct {
	ID   ID
	Err  string
	Roll float64 // uniform in [0,1), for the backoff's jitter
}

// Exited: the process is gone and reaped.
type Exited struct {
	ID ID
	// Code is the exit status, -1 if a signal ended it.
	Code int
	// Outside: a signal that we did not send ended it.
	Outside bool
	// Detail is the death in one line, for reports; the child's last words for a failed boot.
	Detail string
	Roll   float64 // uniform in [0,1), for the backoff's jitter
}

// RecycleDue: a planned replacement is wanted (max_requests, or an operator).
type RecycleDue struct {
	ID     ID
	Reason Reason
}

// Stuck: a timed-out handler of this worker does not end. Its process is alive.
type Stuck struct {
	ID     ID
	Detail string
}

// Sampled is one look at every scoreboard.
type Sampled struct{ Readings []Reading }

// Reading is what one scoreboard said.
type Reading struct {
	ID ID
	// Beat is when the worker last wrote its heartbeat, on the caller's clock.
	Beat time.Time
	// Streams under way and connections that the application took; they have a
	// longer budget in a drain.
	Streams int
	// Memory in bytes; 0 when it was not sampled this time.
	Memory int64
}

// Reload asks for a transaction to a new configuration.
type Reload struct {
	Generation Generation
	Policy     Policy
}

// Scale changes the number of workers by Delta (TTIN +1, TTOU -1), never below one.
type Scale struct{ Delta int }

// Park stops every worker gracefully and keeps the master (WINCH). A Reload or
// Scale up brings workers back.
type Park struct{}

// Hold makes planned replacements wait, or lets them go on: while a new master
// boots, the workers it was told of should stay. Emergencies do not wait.
type Hold struct{ On bool }

// Stop ends the fleet. A second Stop, or Quick, ends a graceful one quickly.
type Stop struct{ Quick bool }

// Tick: the time that Wake named has come.
type Tick struct{}

func (Start) event()       {}
func (Ready) event()       {}
func (SpawnFailed) event() {}
func (Exited) event()      {}
func (RecycleDue) event()  {}
func (Stuck) event()       {}
func (Sampled) event()     {}
func (Reload) event()      {}
func (Scale) event()       {}
func (Park) event()        {}
func (Hold) event()        {}
func (Stop) event()        {}
func (Tick) event()        {}
