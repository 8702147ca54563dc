package measure

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// Counters are those of all processes of a server, the master included.
type Counters struct {
	cpu      map[int]time.Duration
	switches map[int]float64
}

// Read reads the counters of what lives now.
func Read(p *testproc.Process) Counters {
	c := Counters{map[int]time.Duration{}, map[int]float64{}}
	for _, proc := range p.Alive() {
		c.cpu[proc.PID] = proc.CPU
		c.switches[proc.PID] = contextSwitches(proc.PID)
	}
	return c
}

// Since sums what the processes used since an earlier look. A process that
// ended between two looks takes its counters along, so with recycling the
// figure is a lower bound: it is reported only where no process ends.
func (c Counters) Since(before Counters) (cpu time.Duration, switches float64) {
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
				sum += Number(strings.TrimSpace(value))
			}
		}
	}
	return sum
}

// PSS is the proportional memory of a process in MB, 0 when it has ended
// (proc_pid_smaps(5)).
func PSS(pid int) float64 { return Megabytes(Field(rollup(pid), "Pss")) }

// RSS counts the pages that processes share for each of them.
func RSS(pid int) float64 { return Megabytes(Field(rollup(pid), "Rss")) }

func rollup(pid int) string { return fmt.Sprintf("/proc/%d/smaps_rollup", pid) }

// Megabytes reads a "123 kB" field.
func Megabytes(kb string) float64 { return Number(strings.TrimSuffix(kb, " kB")) / 1024 }
