package sys

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// userHZ is the unit of times in /proc, which the kernel's interface fixes.
const userHZ = 100

// CPUTime returns the processor time that process pid has used so far, user
// and system together, in steps of 10 ms.
func CPUTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("cannot read the processor time of process %d: %w", pid, err)
	}
	ticks, err := parseTicks(text)
	if err != nil {
		return 0, fmt.Errorf("cannot read the processor time of process %d: %w", pid, err)
	}
	return time.Duration(ticks) * (time.Second / userHZ), nil
}

// parseTicks reads utime and stime, fields 14 and 15 of proc_pid_stat(5),
// counted from behind the command: that may hold spaces and brackets.
func parseTicks(text []byte) (uint64, error) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("stat has %d fields after the command", len(fields))
	}
	var sum uint64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseUint(string(field), 10, 53)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
