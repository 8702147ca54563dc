package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// printMachine heads the report: figures without a machine are no figures.
func printMachine(w io.Writer, p parameters) {
	fmt.Fprintf(w, "Machine: %s, %d CPUs, %s of memory, Linux %s, %s.\n\n",
		field("/proc/cpuinfo", "model name"), runtime.NumCPU(), field("/proc/meminfo", "MemTotal"),
		firstLine("/proc/sys/kernel/osrelease"), runtime.Version())
	fmt.Fprintf(w, "Command: `ROUNDS=%d DURATION=%d WORKERS=%d CONNECTIONS=%d THREADS=%d scripts/bench.sh` "+
		"(load: `wrk -t%d -c%d -d%ds`, on the same machine).\n",
		p.rounds, int(p.duration.Seconds()), p.workers, p.connections, p.threads,
		p.threads, p.connections, int(p.duration.Seconds()))
}

// field returns the value of the first "key : value" line of a file.
func field(file, key string) string {
	data, _ := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return "unknown " + key
}

func firstLine(file string) string {
	data, _ := os.ReadFile(file)
	line, _, _ := strings.Cut(string(data), "\n")
	return line
}
