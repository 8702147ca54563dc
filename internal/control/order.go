package control

import "time"

// Result is how an order ended, or that it has begun.
type Result struct {
	Order      string    `json:"order"` // "reload", "upgrade", ...
	Outcome    Outcome   `json:"outcome"`
	Text       string    `json:"text"` // for people, one line: the reason of a failure
	Generation uint64    `json:"generation,omitempty"`
	PID        int       `json:"pid,omitempty"` // of the new master
	Began      time.Time `json:"began"`
	Ended      time.Time `json:"ended,omitzero"`
	Changes    []Change  `json:"changes,omitempty"`
}

// Outcome is a Result in one word.
type Outcome string

// The outcomes.
const (
	OutcomeBegun     Outcome = "begun" // nobody waits for its end
	OutcomeDone      Outcome = "done"
	OutcomeRejected  Outcome = "rejected"    // nothing was tried, e.g. the configuration is wrong
	OutcomeRolled    Outcome = "rolled_back" // it was tried, and undone
	OutcomeFailed    Outcome = "failed"
	OutcomeCalledOff Outcome = "called_off" // a later order took its place
)

// OK says that what was ordered is done or under way.
func (r Result) OK() bool { return r.Outcome == OutcomeDone || r.Outcome == OutcomeBegun }

// Plan is what a reload would do.
type Plan struct {
	Config   string   `json:"config,omitempty"` // the YAML file
	Changes  []Change `json:"changes"`
	Warnings []string `json:"warnings,omitempty"`
}

// Change is a setting with another value.
type Change struct {
	Name string `json:"name"`
	Old  string `json:"old"` // masked if secret
	New  string `json:"new"`
	// Class: "hot" the master applies it, "rolling" workers are replaced,
	// "upgrade" it needs a new master and the old value stays until then.
	Class string `json:"class"`
}

// ScaleOrder asks for another number of workers. Exactly one field is set.
type ScaleOrder struct {
	Workers int `json:"workers,omitempty"`
	Delta   int `json:"delta,omitempty"`
}

// RecycleOrder asks for replacements: of one slot, or of all.
type RecycleOrder struct {
	Slot *int `json:"slot,omitempty"`
	All  bool `json:"all,omitempty"`
}

// LevelOrder sets the level of the log until the next reload.
type LevelOrder struct {
	Level string `json:"level"` // debug, info, warn, error
}
