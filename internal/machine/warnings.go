package machine

import (
	"fmt"
	"math"
	"time"
)

// Plan is what a configuration asks of the machine.
type Plan struct {
	Workers           int
	WorkerConnections int
	Backlog           int
	MaxMemory         int64 // bytes per worker; 0 is off
	GracefulTimeout   time.Duration
	StreamTimeout     time.Duration
	LameDuck          time.Duration // before the drain begins
}

const (
	// workerMemory is what an idle to moderately busy Go worker needs.
	workerMemory = 32 << 20
	// fileHeadroom is for listening sockets, logs, the control channel and
	// connections to other services.
	fileHeadroom = 100
	// podGrace is Kubernetes' default terminationGracePeriodSeconds.
	podGrace = 30 * time.Second
	// stopMargin is what the stop needs besides the drain: terminal events, stacks
	// of what hangs, the last kill.
	stopMargin = 10 * time.Second
)

// FilesNeeded is how many descriptors a worker with so many connections needs.
func FilesNeeded(connections int) uint64 {
	return uint64(max(connections, 0)) + fileHeadroom
}

// StopLimit is the longest that a stop takes by the settings, from the TERM to
// the end. What kills the service from outside must wait longer.
func (p Plan) StopLimit() time.Duration {
	drain, _ := longest(p)
	return p.LameDuck + drain + stopMargin
}

// StopSeconds is StopLimit as Kubernetes wants it: in whole seconds.
func (p Plan) StopSeconds() int { return int(math.Ceil(p.StopLimit().Seconds())) }

// StopReason names what StopLimit is made of.
func (p Plan) StopReason() string {
	_, name := longest(p)
	return fmt.Sprintf("lame_duck + %s + %s", name, stopMargin)
}

// Warnings says where the plan asks for more than the machine offers, one
// sentence with numbers and remedy each. What is unknown is not judged.
func Warnings(p Plan, f Facts) []string {
	var all []string
	warn := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }

	if f.Somaxconn > 0 && p.Backlog > f.Somaxconn {
		warn("backlog %d is cut to net.core.somaxconn %d by the kernel: run `sysctl -w net.core.somaxconn=%d` or lower backlog",
			p.Backlog, f.Somaxconn, p.Backlog)
	}
	if need := FilesNeeded(p.WorkerConnections); f.FileLimit > 0 && need > f.FileLimit {
		warn("worker_connections %d needs about %d file descriptors in each worker, RLIMIT_NOFILE is %d: raise it "+
			"(`ulimit -n %d`, LimitNOFILE=%d in systemd) or lower worker_connections",
			p.WorkerConnections, need, f.FileLimit, need, need)
	}
	if f.Memory > 0 {
		all = append(all, memoryWarning(p, f)...)
	}
	if f.CPUs > 0 && float64(p.Workers) > math.Ceil(f.CPUs)*4 {
		warn("workers %d is more than 4 per CPU (%g CPU): set workers to at most %d, or give the service more CPUs",
			p.Workers, f.CPUs, int(math.Ceil(f.CPUs))*4)
	}
	if drain, name := longest(p); f.Kubernetes && drain+p.LameDuck > podGrace {
		warn("a stop may take %s = %s while Kubernetes kills a pod after %d s by default: set terminationGracePeriodSeconds to at least %d",
			name, drain, int(podGrace.Seconds()), p.StopSeconds())
	}
	return all
}

// memoryWarning compares the memory all workers may take. Twice a worker at a
// time is not counted: replacements come one by one.
func memoryWarning(p Plan, f Facts) []string {
	each, why := p.MaxMemory, "max_memory"
	if each == 0 {
		each, why = workerMemory, "an estimate per worker"
	}
	need := float64(p.Workers) * float64(each)
	if need <= float64(f.Memory) {
		return nil
	}
	return []string{fmt.Sprintf("workers %d x %s (%s) is %s, the memory limit is %s: set workers to at most %d%s, or raise the limit",
		p.Workers, mebibytes(float64(each)), why, mebibytes(need), mebibytes(float64(f.Memory)),
		max(1, f.Memory/each), lowerMax(p))}
}

func lowerMax(p Plan) string {
	if p.MaxMemory == 0 {
		return ""
	}
	return " or lower max_memory"
}

func mebibytes(n float64) string { return fmt.Sprintf("%.0f MiB", n/(1<<20)) }

// longest is the drain that lasts longest and the setting behind it.
func longest(p Plan) (time.Duration, string) {
	if p.GracefulTimeout >= p.StreamTimeout {
		return p.GracefulTimeout, "graceful_timeout"
	}
	return p.StreamTimeout, "stream_timeout"
}
