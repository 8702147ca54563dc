package autopsy

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/webchasor/webchasor/internal/machine"
)

// format is the version of the JSON. Fields are only added within a version.
const format = 1

// wire is a record as JSON: durations are seconds, sizes bytes.
type wire struct {
	Format      int           `json:"format"`
	ID          string        `json:"id"`
	Time        time.Time     `json:"time"`
	PID         int           `json:"pid"`
	Slot        int           `json:"slot"`
	Generation  uint64        `json:"generation"`
	Version     string        `json:"version,omitempty"`
	Summary     []string      `json:"summary"` // the first lines of the report, for people
	Verdict     Verdict       `json:"verdict"`
	Code        int           `json:"exit_code"`
	Signal      string        `json:"signal,omitempty"`
	Uptime      float64       `json:"uptime"`
	Silent      float64       `json:"since_heartbeat"`
	Requests    uint64        `json:"requests"`
	Connections int           `json:"connections"`
	InFlight    []wireRequest `json:"in_flight"`
	Idle        []string      `json:"idle_clients,omitempty"` // of connections without a request; not all if there were many
	IdleAll     int           `json:"idle_connections,omitempty"`
	Seen        []string      `json:"seen_before,omitempty"`
	Stderr      []string      `json:"stderr"`
	Log         []string      `json:"log"`
	User        float64       `json:"cpu_user"`
	System      float64       `json:"cpu_system"`
	MaxRSS      int64         `json:"max_rss"`
	MajorFaults int64         `json:"major_faults"`
	Preempted   int64         `json:"switches_involuntary"`
	Yielded     int64         `json:"switches_voluntary"`
	Pressure    wirePressure  `json:"pressure"`
	Stacks      Dump          `json:"stacks"`
}

type wireRequest struct {
	ID            uint64   `json:"id"`
	Method        string   `json:"method"`
	Path          string   `json:"path"`
	Client        string   `json:"client"`
	Age           float64  `json:"age"`
	SinceProgress float64  `json:"since_progress"`
	BytesOut      uint64   `json:"bytes_out"`
	Flags         []string `json:"flags,omitempty"`
}

type wirePressure struct {
	CPU          *wireStall `json:"cpu,omitempty"` // absent where the kernel has no PSI
	Memory       *wireStall `json:"memory,omitempty"`
	IO           *wireStall `json:"io,omitempty"`
	Load         float64    `json:"load"`
	CPUs         float64    `json:"cpus"`
	Available    int64      `json:"memory_available"`
	Total        int64      `json:"memory_total"`
	Used         int64      `json:"cgroup_memory"`
	Limit        int64      `json:"cgroup_memory_limit"`
	Throttled    uint64     `json:"throttled_periods"` // while the worker lived
	ThrottledFor float64    `json:"throttled_seconds"`
}

type wireStall struct {
	Some float64 `json:"some_avg10"`
	Full float64 `json:"full_avg10"`
}

// JSON is the record for machines. It has at most limit bytes as far as whole
// stacks and log lines can be left out for it; 0 is no limit.
func (r Record) JSON(limit int) ([]byte, error) {
	if limit > 0 {
		r.trim(limit)
	}
	for {
		b, err := json.MarshalIndent(r.wire(), "", " ")
		if err != nil || limit <= 0 || len(b) < limit || !r.shed() {
			return append(b, '\n'), err
		}
	}
}

// trim leaves out what certainly does not fit, so that megabytes are not
// encoded again and again.
func (r *Record) trim(limit int) {
	if len(r.InFlight) > maxRequests {
		r.InFlight = r.byBlame()[:maxRequests]
	}
	size := 0
	for i, s := range r.Stacks.Stacks {
		for _, f := range s.Frames {
			size += len(f)
		}
		if size > limit {
			r.Stacks.Stacks, r.Stacks.Truncated = r.Stacks.Stacks[:i], true
			break
		}
	}
	size = 0
	for i, v := range slices.Backward(r.Log) {
		if size += len(v); size > limit {
			r.Log = r.Log[i+1:]
			break
		}
	}
}

// shed leaves out about half of the longest part. The copies that r shares
// with its owner are not written to.
func (r *Record) shed() bool {
	switch s := r.Stacks.Stacks; {
	case len(s) > 4:
		r.Stacks.Stacks, r.Stacks.Truncated = s[:len(s)/2], true
	case len(r.Idle) > 8:
		r.Idle = r.Idle[:len(r.Idle)/2]
	case len(r.InFlight) > 8:
		r.InFlight = r.byBlame()[:len(r.InFlight)/2]
	case len(r.Log) > 8:
		r.Log = r.Log[len(r.Log)/2:]
	case len(r.Stderr) > 1:
		r.Stderr = r.Stderr[len(r.Stderr)/2:]
	case len(s) > 0:
		r.Stacks.Stacks, r.Stacks.Truncated = s[:len(s)/2], true
	case len(r.Log) > 0:
		r.Log = r.Log[(len(r.Log)+1)/2:]
	default:
		return false
	}
	return true
}

// Parse reads what [Record.JSON] wrote, by this or an older version.
func Parse(text []byte) (Record, error) {
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return Record{}, fmt.Errorf("cannot read the record of a death: %w", err)
	}
	if w.Format < 1 || w.Format > format {
		return Record{}, fmt.Errorf("cannot read the record of a death: its format is %d, this program knows 1 to %d", w.Format, format)
	}
	return w.record(), nil
}

func (r Record) wire() wire {
	p := r.Pressure
	w := wire{
		Format: format, ID: r.ID(), Time: r.Time, PID: r.PID, Slot: r.Slot, Generation: r.Generation, Version: r.Version,
		Summary: r.Summary(), Verdict: r.Verdict, Code: r.Code, Signal: r.Signal,
		Uptime: r.Uptime.Seconds(), Silent: r.Silent.Seconds(),
		Requests: r.Requests, Connections: r.Connections, InFlight: []wireRequest{}, Idle: r.Idle, IdleAll: r.IdleAll, Seen: r.Seen,
		Stderr: orEmpty(r.Stderr), Log: orEmpty(r.Log),
		User: r.Usage.User.Seconds(), System: r.Usage.System.Seconds(), MaxRSS: r.Usage.MaxRSS,
		MajorFaults: r.Usage.MajorFaults, Preempted: r.Usage.Preempted, Yielded: r.Usage.Yielded,
		Pressure: wirePressure{
			CPU: stallOut(p.CPU), Memory: stallOut(p.Memory), IO: stallOut(p.IO), Load: p.Load, CPUs: p.CPUs,
			Available: p.Available, Total: p.Total, Used: p.Used, Limit: p.Limit,
			Throttled: p.ThrottledInLife, ThrottledFor: p.ThrottledInLifeFor.Seconds(),
		},
		Stacks: r.Stacks,
	}
	for _, q := range r.byBlame() {
		w.InFlight = append(w.InFlight, wireRequest{
			q.ID, q.Method, q.Path, q.Client, q.Age.Seconds(), q.SinceProgress.Seconds(), q.BytesOut, q.Flags,
		})
	}
	return w
}

func (w wire) record() Record {
	p := w.Pressure
	r := Record{
		Time: w.Time, PID: w.PID, Slot: w.Slot, Generation: w.Generation, Version: w.Version,
		Verdict: w.Verdict, Code: w.Code, Signal: w.Signal, Uptime: fromSeconds(w.Uptime), Silent: fromSeconds(w.Silent),
		Requests: w.Requests, Connections: w.Connections, Idle: w.Idle, IdleAll: w.IdleAll, Seen: w.Seen, Stderr: w.Stderr, Log: w.Log, Stacks: w.Stacks,
		Usage: Usage{
			User: fromSeconds(w.User), System: fromSeconds(w.System), MaxRSS: w.MaxRSS,
			MajorFaults: w.MajorFaults, Preempted: w.Preempted, Yielded: w.Yielded,
		},
		Pressure: Pressure{
			Pressure: machine.Pressure{
				CPU: stallIn(p.CPU), Memory: stallIn(p.Memory), IO: stallIn(p.IO), Load: p.Load, CPUs: p.CPUs,
				Available: p.Available, Total: p.Total, Used: p.Used, Limit: p.Limit,
			},
			ThrottledInLife: p.Throttled, ThrottledInLifeFor: fromSeconds(p.ThrottledFor),
		},
	}
	for _, q := range w.InFlight {
		r.InFlight = append(r.InFlight, Request{
			q.ID, q.Method, q.Path, q.Client, fromSeconds(q.Age), fromSeconds(q.SinceProgress), q.BytesOut, q.Flags,
		})
	}
	return r
}

func stallOut(s machine.Stall) *wireStall {
	if !s.Known {
		return nil
	}
	return &wireStall{s.Some, s.Full}
}

func stallIn(s *wireStall) machine.Stall {
	if s == nil {
		return machine.Stall{}
	}
	return machine.Stall{Known: true, Some: s.Some, Full: s.Full}
}

func fromSeconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Microsecond)
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
