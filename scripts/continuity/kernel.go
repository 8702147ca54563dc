package main

import (
	"fmt"

	"github.com/webchasor/webchasor/internal/testproc"
)

// pss is the proportional memory of the processes in KB (proc_pid_smaps(5)).
func pss(pids []int) (kb int) {
	for _, pid := range pids {
		kb += testproc.NumberAfter(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
	}
	return kb
}

// slab is the kernel's own memory in KB, sockets included (proc_meminfo(5)).
func slab() int { return testproc.NumberAfter("/proc/meminfo", "Slab:") }

// pids are all processes of the service, the master included.
func (s *service) pids() (pids []int) {
	for _, proc := range s.Alive() {
		pids = append(pids, proc.PID)
	}
	return pids
}
