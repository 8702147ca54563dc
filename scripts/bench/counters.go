package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// counters are summed over all processes of a server, the master included.
type counters struct {
	cpu      map[int]time.Duration
	switches map[int]float64
}

func read(p *testproc.Process) counters {
	c := counters{map[int]time.Duration{}, map[int]float64{}}
	for _, proc := range p.Alive() {
		c.cpu[proc.PID] = proc.CPU
		c.switches[proc.PID] = contextSwitches(proc.PID)
	}
	return c
}

// since sums what the processes used since an earlier look. A process that
// ended between two looks takes its counters along, so with recycling the
// figure is a lower bound: it is reported only where no process ends.
func (c counters) since(before counters) (cpu time.Duration, switches float64) {
	for pid, used := range c.cpu {
		cpu += used - before.cpu[pid]
		switches += c.switches[pid] - before.switches[pid]
	}
	return cpu, switches
}

// contextSwitches sums both kinds over all threads (proc_pid_status(5)).
func contextSwitches(pid int) (sum float64) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, name := range threads {
		data, _ := os.ReadFile(name)
		for line := range strings.Lines(string(data)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.HasSuffix(key, "voluntary_ctxt_switches") {
				sum += number(strings.TrimSpace(value))
			}
		}
	}
	return sum
}
