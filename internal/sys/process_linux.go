package sys

import (
	"bytes"
	"os"
	"strconv"
)

// ProcessStart returns when process pid began, in clock ticks since the
// machine's boot: together with the number it names one process for ever. ok is
// false when there is no such process, or only its remains (a zombie).
func ProcessStart(pid int) (ticks uint64, ok bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	// The name in parentheses may hold anything; state is the field behind it.
	_, rest, found := bytes.Cut(stat[max(bytes.LastIndexByte(stat, ')'), 0):], []byte(") "))
	fields := bytes.Fields(rest)
	const state, start = 0, 19
	if !found || len(fields) <= start || fields[state][0] == 'Z' || fields[state][0] == 'X' {
		return 0, false
	}
	ticks, err = strconv.ParseUint(string(fields[start]), 10, 64)
	return ticks, err == nil
}
