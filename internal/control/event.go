package control

import "time"

// Events is the answer to GET /v1/events.
type Events struct {
	Events []Event `json:"events"` // the oldest first
	// Missed says that older ones than these were asked for and are forgotten.
	Missed bool   `json:"missed"`
	Seq    uint64 `json:"seq"` // of the newest; ask with since=Seq for what comes next
}

// Event is something that happened to the service.
type Event struct {
	Seq    uint64            `json:"seq"` // only grows, also over upgrades; with gaps
	Time   time.Time         `json:"time"`
	Kind   Kind              `json:"kind"`
	Slot   *int              `json:"slot,omitempty"` // of the worker it is about
	PID    int               `json:"pid,omitempty"`
	Text   string            `json:"text"` // for people, one line
	Fields map[string]string `json:"fields,omitempty"`
	Death  string            `json:"death,omitempty"` // id of the record, see PathDeath
}

// Kind names what happened.
type Kind string

// The kinds.
const (
	KindStart    Kind = "start"    // a master began
	KindUp       Kind = "up"       // all workers are ready for the first time
	KindReady    Kind = "ready"    // a worker accepts connections
	KindExit     Kind = "exit"     // a worker left as planned
	KindDeath    Kind = "death"    // a worker died
	KindTimeout  Kind = "timeout"  // a worker is silent or stuck for too long
	KindSuspect  Kind = "suspect"  // a heartbeat is late
	KindRecover  Kind = "recover"  // a suspect beats again
	KindBoot     Kind = "boot"     // a worker did not get ready
	KindBackoff  Kind = "backoff"  // a respawn waits
	KindReload   Kind = "reload"   // began, committed, rejected, rolled back: Fields["outcome"]
	KindUpgrade  Kind = "upgrade"  // began, done, failed: Fields["outcome"]; between them Fields["ready"] of ["wanted"] workers
	KindScale    Kind = "scale"    // another number of workers is wanted
	KindRecycle  Kind = "recycle"  // an operator asked for a replacement
	KindDrain    Kind = "drain"    // all workers were asked to leave, the master stays
	KindStop     Kind = "stop"     // the service stops
	KindLogLevel Kind = "loglevel" // changed by an operator
	KindBacklog  Kind = "backlog"  // an accept queue is or was full
	KindTLS      Kind = "tls"      // certificates changed, or were rejected: Fields["outcome"]
	KindPoison   Kind = "poison"   // a kind of request that was in flight in several deaths
	KindSlept    Kind = "slept"    // the master itself was suspended
	KindRefused  Kind = "refused"  // an order that could not be honoured
	KindOrphan   Kind = "orphan"   // about a worker of an earlier master
)
