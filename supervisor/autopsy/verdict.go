package autopsy

// Cause names why a worker ended. It is part of file names, logs and metrics.
type Cause string

// The causes. The first group is planned, the second our own emergencies, the
// third happened to us.
const (
	CauseRecycle  Cause = "recycle" // max_requests
	CauseMemory   Cause = "memory-limit"
	CauseReload   Cause = "reload"
	CauseRollback Cause = "rollback"
	CauseScale    Cause = "scale"
	CausePark     Cause = "park"
	CauseStop     Cause = "stop"
	CauseOperator Cause = "operator"
	CauseTerm     Cause = "SIGTERM" // somebody sent it to the worker itself
	CauseUpgrade  Cause = "upgrade" // of its master; the worker finished what it had

	CauseTimeout     Cause = "timeout"       // silent, or requests stuck in it
	CauseOverdue     Cause = "drain-timeout" // did not end its drain in time
	CauseBootTimeout Cause = "boot-timeout"

	CauseBoot    Cause = "boot-failure"
	CauseLoad    Cause = "load-failure"  // the application's setup failed
	CauseOOM     Cause = "out-of-memory" // proven by the cgroup's counter
	CausePanic   Cause = "panic"
	CauseFatal   Cause = "fatal-signal" // SIGSEGV and the like, raised by the program itself
	CauseExit    Cause = "exit-code"
	CauseOutside Cause = "outside-signal" // sender unknown
	CauseUnknown Cause = "unknown"
)

// Verdict is what [Classify] found.
type Verdict struct {
	Cause Cause `json:"cause"`
	// Abnormal deaths deserve a record; the others went as planned.
	Abnormal bool `json:"abnormal"`
	// Outside: a signal that we did not send ended it. It is no sign of a
	// crash loop. A proven out-of-memory kill is not from outside: it is the
	// worker that needs more than there is, and its successor will too.
	Outside bool `json:"outside"`
	// Sentence says it to a human, in one line.
	Sentence string `json:"sentence"`
	// Evidence are the facts behind it, one line each.
	Evidence []string `json:"evidence"`
	// NoStacks says why there is no traceback; "" if there is one.
	NoStacks string `json:"no_stacks,omitempty"`
}
