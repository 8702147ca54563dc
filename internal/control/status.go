package control

import "time"

// Status is the service at one moment.
type Status struct {
	API      int       `json:"api"` // Version
	Time     time.Time `json:"time"`
	Name     string    `json:"name"` // of the program
	Version  string    `json:"version"`
	PID      int       `json:"pid"` // of the master
	Started  time.Time `json:"started"`
	Uptime   Seconds   `json:"uptime_seconds"`   // of this master
	Upgrades int       `json:"upgrades"`         // how many the service has been through
	Binary   string    `json:"binary"`           // what an upgrade would execute
	Config   string    `json:"config,omitempty"` // the YAML file; absent if there is none

	Health     Health          `json:"health"`
	Phase      Phase           `json:"phase"`
	Generation uint64          `json:"generation"` // of settings; the committed one
	Wanted     int             `json:"workers_wanted"`
	Ready      int             `json:"workers_ready"`
	Replacing  []Replacement   `json:"replacing,omitempty"`
	Listeners  []Listener      `json:"listeners"`
	Overflows  uint64          `json:"listen_overflows"` // of the whole network namespace, since its start
	Limits     []Limit         `json:"limits,omitempty"`
	Upstreams  []Upstream      `json:"upstreams,omitempty"`
	Share      *Share          `json:"worker_share,omitempty"` // absent where there is nothing to share
	Totals     Totals          `json:"totals"`
	Recent     Recently        `json:"recent"`
	Machine    Machine         `json:"machine"`
	Workers    []Worker        `json:"workers"` // by slot, the current one first
	Orphans    []Orphan        `json:"orphans,omitempty"`
	Reload     *Result         `json:"last_reload,omitempty"`
	Upgrade    *Result         `json:"last_upgrade,omitempty"`
	Settings   []Setting       `json:"settings"`
	Warnings   []Warning       `json:"warnings,omitempty"` // what an operator should look at now
	Poisoned   []PoisonedShape `json:"poisoned,omitempty"`
	// Certificates are those that clients are shown; none where no address speaks TLS.
	Certificates []Certificate `json:"certificates,omitempty"`
	Seq          uint64        `json:"event_seq"` // of the newest event
}

// Phase is what the fleet as a whole is doing.
type Phase string

// The phases.
const (
	PhaseStarting  Phase = "starting"
	PhaseServing   Phase = "serving"
	PhaseReloading Phase = "reloading"
	PhaseRollback  Phase = "rolling_back"
	PhaseUpgrading Phase = "upgrading"
	PhaseParked    Phase = "parked" // drained: the master lives, no worker does
	PhaseStopping  Phase = "stopping"
)

// Health is the answer to "is it well?".
type Health struct {
	State   HealthState `json:"state"`
	Reasons []string    `json:"reasons,omitempty"` // why it is not ok
}

// HealthState is the judgement.
type HealthState string

// The states of health.
const (
	HealthOK       HealthState = "ok"
	HealthDegraded HealthState = "degraded" // it serves, but not with everything it should have
	HealthDown     HealthState = "down"     // no worker is ready
)

// Totals are sums over all workers, of all times where they only grow.
type Totals struct {
	Connections int `json:"connections"`
	Capacity    int `json:"connections_max"` // that the ready workers may hold
	InFlight    int `json:"in_flight"`       // streams included
	Streams     int `json:"streams"`
	Traffic
	Restarts map[string]uint64 `json:"restarts,omitempty"` // workers that ended, by cause, over upgrades too
}

// Traffic is what was served.
type Traffic struct {
	Requests uint64    `json:"requests"`
	ByClass  [6]uint64 `json:"requests_by_class"` // by the first digit of the status; [0] without one
	BytesOut uint64    `json:"bytes_out"`
	Timeouts uint64    `json:"timeouts"`
	Panics   uint64    `json:"panics"`
	Lost     uint64    `json:"lost"`                   // requests that got no answer
	Rate     float64   `json:"requests_per_second"`    // over the window
	P50      Seconds   `json:"p50_seconds"`            // over the window; 0 without requests
	P95      Seconds   `json:"p95_seconds"`            // over the window
	P99      Seconds   `json:"p99_seconds"`            // over the window
	Window   Seconds   `json:"window_seconds"`         // what "lately" means for those above and below
	Recent   uint64    `json:"requests_in_the_window"` // how many the percentiles stand on
	// RecentErrors are those of them with 5xx or without an answer, ErrorShare their part of all, 0 to 1.
	RecentErrors uint64  `json:"errors_in_the_window"`
	ErrorShare   float64 `json:"error_share"`
}

// Recently is what happened in the last quarter of an hour, or since this master
// began if that is less: long enough for what is rare, short enough to matter still.
type Recently struct {
	Window   Seconds           `json:"window_seconds"`
	Requests uint64            `json:"requests"`
	ByClass  [6]uint64         `json:"requests_by_class"`
	Timeouts uint64            `json:"timeouts"`
	Panics   uint64            `json:"panics"`
	Lost     uint64            `json:"lost"`
	Restarts map[string]uint64 `json:"restarts,omitempty"` // workers that ended, by cause
}

// Machine is what the service may use, by the master's container and machine. 0 is unknown.
type Machine struct {
	CPUs   float64 `json:"cpus"`
	Memory int64   `json:"memory_bytes"`
}

// Listener is one address.
type Listener struct {
	Address string `json:"address"`
	Sharded bool   `json:"sharded"` // one accept queue per slot
	// Depth is how many connections wait to be accepted, Deepest in the fullest
	// of the queues, Backlog the limit of one queue. -1: this kind of socket cannot be asked.
	Depth   int `json:"depth"`
	Deepest int `json:"deepest"`
	Backlog int `json:"backlog"`
}

// Share is what each worker may use of what all have together. 0 says nothing:
// there is no limit to share, or the environment sets one for each worker.
type Share struct {
	Cores  int   `json:"gomaxprocs,omitempty"`
	Memory int64 `json:"gomemlimit_bytes,omitempty"`
}

// Limit is a concurrency limit that workers have, summed over them.
type Limit struct {
	Name     string `json:"name"`
	InUse    int    `json:"in_use"`
	Max      int    `json:"max"`
	Waiting  int    `json:"waiting"`
	MaxQueue int    `json:"max_queue"`
}

// Upstream is what workers know of an upstream, summed over them. The counters are
// the service's, workers that are gone included.
type Upstream struct {
	Name      string  `json:"name"`
	Workers   int     `json:"workers"`            // that have it in their settings
	Ejected   int     `json:"ejected"`            // of them: leave it alone for now, or are about to try it again
	Back      Seconds `json:"back_in_seconds"`    // until the first of those tries it again; 0 is at the next request
	InFlight  int     `json:"in_flight"`          // to the last byte of the answer
	Requests  uint64  `json:"requests"`           // attempts, repeated ones too
	Failures  uint64  `json:"failures"`           // of them: no connection, broken, too slow, 5xx, refused key
	Limited   uint64  `json:"limited"`            // of them: 429 and 503
	Retries   uint64  `json:"retries"`            // of them: not the first of their call
	Ejections uint64  `json:"ejections"`          // by any worker
	Answers   uint64  `json:"answers"`            // attempts with one, whatever its status
	FirstByte Seconds `json:"first_byte_seconds"` // waited for all answers' beginnings together
}

// Replacement is a worker on its way out, or about to be.
type Replacement struct {
	Slot   int    `json:"slot"`
	Reason string `json:"reason"`
	Active bool   `json:"active"` // the others wait for their turn
}

// Orphan is a worker of a master before the last upgrade; it finishes streams.
type Orphan struct {
	PID        int       `json:"pid"`
	Slot       int       `json:"slot"`
	Generation uint64    `json:"generation"`
	Upgrades   int       `json:"upgrades"` // it has survived
	Deadline   time.Time `json:"deadline"`
}

// Setting is one value in force.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"` // masked if secret
	Origin string `json:"origin"`
}

// Warning is something to look at. Kind is stable, for programs.
type Warning struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// Certificate is one in use, with its life.
type Certificate struct {
	File    string    `json:"file"`
	Subject string    `json:"subject"` // the common name, or the first name, of it
	Names   []string  `json:"names,omitempty"`
	Begins  time.Time `json:"begins"`
	Expires time.Time `json:"expires"`
}

// PoisonedShape is a kind of request that was in flight in several deaths.
type PoisonedShape struct {
	Shape       string    `json:"shape"`
	Deaths      int       `json:"deaths"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Quarantined bool      `json:"quarantined"`
	Until       time.Time `json:"until,omitzero"`
}
