package control

import (
	"encoding/json"
	"time"
)

// Deaths is the answer to GET /v1/deaths.
type Deaths struct {
	Dir    string  `json:"dir"`    // where the records are
	Deaths []Death `json:"deaths"` // the newest first
}

// Death is one abnormal end of a worker, in short.
type Death struct {
	ID       string    `json:"id"` // names the record; "" if none could be kept
	Time     time.Time `json:"time"`
	Slot     int       `json:"slot"`
	PID      int       `json:"pid"`
	Cause    string    `json:"cause"`
	Text     string    `json:"text"` // the cause in one line
	Lost     int       `json:"requests_lost"`
	Culprit  string    `json:"culprit,omitempty"` // the request that most likely did it
	Uptime   Seconds   `json:"uptime_seconds"`
	Signal   string    `json:"signal,omitempty"`
	ExitCode int       `json:"exit_code"` // -1 if a signal ended it
}

// DeathRecord is all that is kept of a death.
type DeathRecord struct {
	Death
	Report string          `json:"report"`           // for people
	Record json.RawMessage `json:"record,omitempty"` // for programs
}
