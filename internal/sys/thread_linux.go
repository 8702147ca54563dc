package sys

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// RunningThread returns the thread of process pid that runs right now and has
// used the most CPU time, or 0 if none runs.
func RunningThread(pid int) int {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return 0
	}
	thread, most := 0, int64(-1)
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		running, ticks := parseThreadStat(data)
		if !running || ticks <= most {
			continue
		}
		if tid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			thread, most = tid, ticks
		}
	}
	return thread
}

// parseThreadStat reads state and CPU time from proc_pid_stat(5). The name in
// parentheses may hold anything, so the fields are counted after it.
func parseThreadStat(data []byte) (running bool, ticks int64) {
	i := bytes.LastIndexByte(data, ')')
	if i < 0 {
		return false, 0
	}
	const state, utime, stime = 0, 11, 12 // fields 3, 14 and 15
	fields := bytes.Fields(data[i+1:])
	if len(fields) <= stime {
		return false, 0
	}
	user, _ := strconv.ParseInt(string(fields[utime]), 10, 64)
	system, _ := strconv.ParseInt(string(fields[stime]), 10, 64)
	return string(fields[state]) == "R", user + system
}

// SignalThread sends a signal to one thread of process pid (tgkill(2)). The
// caller must know that the process has not been waited for.
func SignalThread(pid, tid int, sig syscall.Signal) error {
	if err := unix.Tgkill(pid, tid, sig); err != nil {
		return fmt.Errorf("cannot send %v to thread %d of process %d: %w", sig, tid, pid, err)
	}
	return nil
}
