package control

import "time"

// Worker is one worker process. A slot has more than one while a replacement is under way.
type Worker struct {
	Slot       int         `json:"slot"`
	PID        int         `json:"pid"`
	Generation uint64      `json:"generation"`
	State      WorkerState `json:"state"`
	Reason     string      `json:"reason,omitempty"` // why it has to go
	Age        Seconds     `json:"age_seconds"`
	Ready      Seconds     `json:"ready_seconds"`     // since it got ready; 0 if it did not
	Heartbeat  Seconds     `json:"heartbeat_seconds"` // age of the last one

	Connections int `json:"connections"`
	Capacity    int `json:"connections_max"`
	InFlight    int `json:"in_flight"`
	Streams     int `json:"streams"`
	// Oldest is the age of the oldest request under way, Quiet the longest time one has been without progress.
	Oldest Seconds `json:"oldest_request_seconds"`
	Quiet  Seconds `json:"quietest_request_seconds"`
	Queue  int     `json:"queue_depth"` // of the slot's own accept queues; -1 if it has none
	Traffic
	MaxRequests uint64 `json:"max_requests"` // of this incarnation; 0 is off

	PSS      int64   `json:"pss_bytes"` // proportional share of memory; 0 if unknown
	RSS      int64   `json:"rss_bytes"`
	CPU      float64 `json:"cpu_percent"` // over the window; 100 is one core
	CPUTime  Seconds `json:"cpu_seconds"`
	Restarts uint64  `json:"restarts"` // workers that ended in this slot, over upgrades too

	LastDeath *Death `json:"last_death,omitempty"` // of the slot, if it was abnormal
}

// WorkerState is where a worker is in its life, and how well.
type WorkerState string

// The states.
const (
	StateBooting  WorkerState = "booting"
	StateReady    WorkerState = "ready"
	StateSuspect  WorkerState = "suspect" // ready, but its heartbeat is late
	StateHung     WorkerState = "hung"    // silent for longer than timeout
	StateFull     WorkerState = "full"    // ready, holds all the connections it may
	StateDraining WorkerState = "draining"
	StateAborting WorkerState = "aborting" // asked for its stacks
	StateKilled   WorkerState = "killed"   // SIGKILL was sent
	StateAbsent   WorkerState = "absent"   // the slot is empty; PID is 0
)

// Requests is the answer to GET /v1/requests.
type Requests struct {
	Time     time.Time `json:"time"`
	Requests []Request `json:"requests"` // the oldest first
	Omitted  int       `json:"omitted"`  // how many more there are
}

// Request is one request under way.
type Request struct {
	Slot   int     `json:"slot"`
	PID    int     `json:"pid"`
	ID     uint64  `json:"id"`               // unique in its worker
	Method string  `json:"method,omitempty"` // absent until it was parsed
	Path   string  `json:"path,omitempty"`   // without the query
	Client string  `json:"client"`
	Age    Seconds `json:"age_seconds"`
	Quiet  Seconds `json:"quiet_seconds"` // since bytes last moved
	Bytes  uint64  `json:"bytes_out"`
	State  string  `json:"state"` // "waiting" (no byte out yet), "answering", "streaming", "stuck"
}

// Stacks are the goroutines of one worker, equal stacks together.
type Stacks struct {
	Slot       int          `json:"slot"`
	PID        int          `json:"pid"`
	Time       time.Time    `json:"time"`
	Goroutines int          `json:"goroutines"`
	Groups     []StackGroup `json:"groups"` // the largest first
	Text       string       `json:"text,omitempty"`
	Took       Seconds      `json:"took_seconds"`
	Truncated  bool         `json:"truncated,omitempty"`
	Known      []string     `json:"known,omitempty"` // what is known of a worker that does not answer
}

// StackGroup is a number of goroutines that are at the same place.
type StackGroup struct {
	Count   int      `json:"count"`
	State   string   `json:"state"`
	Created string   `json:"created,omitempty"`
	Frames  []string `json:"frames"` // "function (file:line)", innermost first
}
