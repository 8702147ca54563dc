package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// voluntarySwitches sums the voluntary context switches of all threads of the
// processes (proc_pid_status(5)).
func voluntarySwitches(pids []int) (sum int) {
	for _, pid := range pids {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		for _, name := range threads {
			sum += numberAfter(name, "voluntary_ctxt_switches:")
		}
	}
	return sum
}

// pss is the proportional memory of the processes in KB (proc_pid_smaps(5)).
func pss(pids []int) (kb int) {
	for _, pid := range pids {
		kb += numberAfter(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
	}
	return kb
}

// slab is the kernel's own memory in KB, sockets included (proc_meminfo(5)).
func slab() int { return numberAfter("/proc/meminfo", "Slab:") }

// numberAfter is the first number of the line that begins with key, 0 without one.
func numberAfter(file, key string) int {
	data, _ := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				n, _ := strconv.Atoi(f[0])
				return n
			}
		}
	}
	return 0
}

// pids are all processes of the service, the master included.
func (s *service) pids() (pids []int) {
	for _, proc := range s.Alive() {
		pids = append(pids, proc.PID)
	}
	return pids
}
