package autopsy

import (
	"encoding/json"
	"slices"
	"time"
)

// Record is what is kept of one death. The shell fills it from the evidence,
// the scoreboard and the wait status.
type Record struct {
	Time       time.Time
	PID        int
	Slot       int
	Generation uint64
	Verdict    Verdict
	Uptime     time.Duration
	Requests   uint64    // finished in its life
	InFlight   []Request // at death, in any order
	Stacks     Dump      // empty: see Verdict.NoStacks
	Stderr     []string  // last lines, oldest first
	Usage      Usage
}

// Request is one request that was in flight at death.
type Request struct {
	ID            uint64
	Method        string
	Path          string
	Client        string
	Age           time.Duration // since it began
	SinceProgress time.Duration // since bytes last moved
	BytesOut      uint64
	// Flags are free words, e.g. "streaming", "answered", "stuck", "torn".
	Flags []string
}

// FlagStuck marks a request whose handler did not end after its time-out.
const FlagStuck = "stuck"

// Usage is what the process consumed in its life.
type Usage struct {
	User   time.Duration
	System time.Duration
	MaxRSS int64 // bytes
}

// Culprit is the request that most likely caused the death, and whether one
// can be named at all: the stuck one in a timeout; otherwise only a request
// that was alone, because a traceback does not say which request it served.
func (r Record) Culprit() (Request, bool) {
	switch r.Verdict.Cause {
	case CauseTimeout, CauseOverdue:
		if len(r.InFlight) > 0 {
			return r.byBlame()[0], true
		}
	case CausePanic, CauseFatal, CauseOOM, CauseExit:
		if len(r.InFlight) == 1 {
			return r.InFlight[0], true
		}
	}
	return Request{}, false
}

// byBlame sorts the stuck ones first, then the longest without progress.
func (r Record) byBlame() []Request {
	s := slices.Clone(r.InFlight)
	slices.SortStableFunc(s, func(a, b Request) int {
		if x, y := slices.Contains(a.Flags, FlagStuck), slices.Contains(b.Flags, FlagStuck); x != y {
			if x {
				return -1
			}
			return 1
		}
		return int(max(-1, min(1, b.SinceProgress-a.SinceProgress)))
	})
	return s
}

// JSON is the record for machines, without line breaks. Times are RFC 3339,
// durations seconds, sizes bytes.
func (r Record) JSON() ([]byte, error) {
	type request struct {
		ID            uint64   `json:"id"`
		Method        string   `json:"method"`
		Path          string   `json:"path"`
		Client        string   `json:"client"`
		Age           float64  `json:"age"`
		SinceProgress float64  `json:"since_progress"`
		BytesOut      uint64   `json:"bytes_out"`
		Flags         []string `json:"flags,omitempty"`
	}
	inFlight := make([]request, 0, len(r.InFlight))
	for _, q := range r.byBlame() {
		inFlight = append(inFlight, request{
			q.ID, q.Method, q.Path, q.Client,
			q.Age.Seconds(), q.SinceProgress.Seconds(), q.BytesOut, q.Flags,
		})
	}
	return json.Marshal(struct {
		Time       time.Time `json:"time"`
		PID        int       `json:"pid"`
		Slot       int       `json:"slot"`
		Generation uint64    `json:"generation"`
		Verdict    Verdict   `json:"verdict"`
		Uptime     float64   `json:"uptime"`
		Requests   uint64    `json:"requests"`
		InFlight   []request `json:"in_flight"`
		Stacks     Dump      `json:"stacks"`
		Stderr     []string  `json:"stderr"`
		User       float64   `json:"cpu_user"`
		System     float64   `json:"cpu_system"`
		MaxRSS     int64     `json:"max_rss"`
	}{
		r.Time, r.PID, r.Slot, r.Generation, r.Verdict, r.Uptime.Seconds(), r.Requests, inFlight,
		r.Stacks, r.Stderr, r.Usage.User.Seconds(), r.Usage.System.Seconds(), r.Usage.MaxRSS,
	})
}
