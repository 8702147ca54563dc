package testproc

import (
	"fmt"
	"slices"
	"time"
)

// Messages of the program that the harness relies on.
const (
	MsgListening = "listening"     // field address
	MsgUp        = "ready"         // every slot has a ready worker for the first time
	MsgReady     = "worker ready"  // a worker accepts connections
	MsgExited    = "worker exited" // a death that was wanted; fields cause, detail
	MsgDied      = "worker died"   // one that was not
)

// Fields in which a line of the master names the worker it is about.
const (
	KeyPID        = "worker_pid"
	KeySlot       = "worker_slot"
	KeyGeneration = "worker_generation"
)

// WaitLog waits for a line from a mark on. It gives up early when the started
// process has ended and its log with it.
func (p *Process) WaitLog(from int, match Match, what string) Line {
	p.t.Helper()
	return p.WaitLogWithin(Patience, from, match, what)
}

// WaitLogWithin is WaitLog with its own bound.
func (p *Process) WaitLogWithin(within time.Duration, from int, match Match, what string) Line {
	p.t.Helper()
	var line Line
	found, ended := false, false
	Poll(within, Every, func() bool {
		ended = p.Exited() && p.Log.ended()
		line, found = p.Log.Find(from, match)
		return found || ended
	})
	switch {
	case found:
	case ended:
		p.t.Fatalf("the program ended (%v) without the line: %s", p.cmd.ProcessState, what)
	default:
		p.t.Fatalf("not in the log within %v: %s", within, what)
	}
	return line
}

// Addr waits for the listening address.
func (p *Process) Addr() string {
	p.t.Helper()
	return p.WaitLog(0, Msg(MsgListening), "the listening address").Str("address")
}

// Up waits until every slot has a ready worker and returns the address.
func (p *Process) Up() string {
	p.t.Helper()
	addr := p.Addr()
	p.WaitLog(0, Msg(MsgUp), "every worker is ready")
	return addr
}

// About matches the master's lines about a worker; the worker's own lines may
// have the same message.
func About(msg string, fields ...any) Match {
	match := Msg(msg, fields...)
	return func(l Line) bool { return match(l) && l.Int(KeyPID) != 0 }
}

// WorkerReady is one "worker ready" line.
type WorkerReady struct {
	PID, Slot, Generation int
	Seen                  time.Time
}

// Ready lists, from a mark on, the workers that became ready, in log order.
func (p *Process) Ready(from int) []WorkerReady {
	var list []WorkerReady
	for _, line := range p.Log.Lines(from, About(MsgReady)) {
		list = append(list, WorkerReady{
			PID: line.Int(KeyPID), Slot: line.Int(KeySlot), Generation: line.Int(KeyGeneration), Seen: line.Seen,
		})
	}
	return list
}

// WaitWorkers waits until exactly n live workers exist and all of them have
// reported ready, and returns their pids in order.
func (p *Process) WaitWorkers(n int) []int {
	p.t.Helper()
	var pids []int
	Eventually(p.t, Patience, Every, func() bool {
		pids = p.WorkerPIDs()
		if len(pids) != n {
			return false
		}
		ready := map[int]bool{}
		for _, worker := range p.Ready(0) {
			ready[worker.PID] = true
		}
		return !slices.ContainsFunc(pids, func(pid int) bool { return !ready[pid] })
	}, fmt.Sprintf("%d workers, all ready", n))
	return pids
}

// WaitReplaced waits until n ready workers exist of which none is in old.
func (p *Process) WaitReplaced(old []int, n int) []int {
	p.t.Helper()
	Eventually(p.t, Patience, Every, func() bool {
		now := p.WorkerPIDs()
		return len(now) == n && !slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(old, pid) })
	}, fmt.Sprintf("all of %v are replaced", old))
	return p.WaitWorkers(n)
}

// WaitPIDGone waits until a process no longer exists.
func (p *Process) WaitPIDGone(pid int, within time.Duration) {
	p.t.Helper()
	Eventually(p.t, within, Every, func() bool { return PIDGone(pid) }, fmt.Sprintf("pid %d is gone", pid))
}
