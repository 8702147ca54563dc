package measure

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine describes where figures come from: without it they are no figures.
func Machine() string {
	return fmt.Sprintf("%s, %d CPUs, %s of memory, Linux %s, %s",
		Field("/proc/cpuinfo", "model name"), runtime.NumCPU(), Field("/proc/meminfo", "MemTotal"),
		firstLine("/proc/sys/kernel/osrelease"), runtime.Version())
}

// Field returns the value of the first "key : value" line of a file.
func Field(file, key string) string {
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
