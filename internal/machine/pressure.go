package machine

import (
	"strconv"
	"strings"
	"time"
)

// Pressure is how hard the machine and the cgroup are pressed at one moment.
// What cannot be read is zero, and Known says what could.
type Pressure struct {
	// Stall information of the machine (PSI, /proc/pressure): the share of the
	// last ten seconds in which somebody waited for it, 0 to 100.
	CPU, Memory, IO Stall
	// Load is the load average of one minute; CPUs what this process may use.
	Load, CPUs float64
	// Available and Total are the machine's memory in bytes.
	Available, Total int64
	// Used and Limit are the cgroup's memory in bytes; Limit 0 is none.
	Used, Limit int64
	// Throttled counts the periods in which the cgroup's CPU quota was used up,
	// and ThrottledFor how long its processes then had to wait, since the cgroup exists.
	Throttled    uint64
	ThrottledFor time.Duration
}

// Stall is one line pair of PSI.
type Stall struct {
	Known bool
	Some  float64 // percent of the last 10 s in which at least one task waited
	Full  float64 // percent in which all did
}

// ReadPressure reads a dozen small files of /proc and /sys. It does not block
// on anything but them.
func ReadPressure() Pressure { return readPressure("/", CPUs()) }

func readPressure(root string, cpus float64) Pressure {
	p := Pressure{
		CPU:    stall(readText(root, "proc/pressure/cpu")),
		Memory: stall(readText(root, "proc/pressure/memory")),
		IO:     stall(readText(root, "proc/pressure/io")),
		CPUs:   cpus,
		Total:  memTotal(root),
		Limit:  memoryQuota(root),
	}
	if f := strings.Fields(readText(root, "proc/loadavg")); len(f) > 0 {
		p.Load, _ = strconv.ParseFloat(f[0], 64)
	}
	if kb, ok := labelled(readText(root, "proc/meminfo"), "MemAvailable:"); ok {
		p.Available = int64(kb) << 10
	}
	p.Used = memoryUsed(root)
	p.Throttled, p.ThrottledFor = throttled(root)
	return p
}

// stall reads "some avg10=1.00 avg60=..." and "full avg10=...".
func stall(text string) (s Stall) {
	for line := range strings.Lines(text) {
		kind, rest, _ := strings.Cut(line, " avg10=")
		number, _, _ := strings.Cut(rest, " ")
		percent, err := strconv.ParseFloat(number, 64)
		if err != nil {
			continue
		}
		switch kind {
		case "some":
			s.Known, s.Some = true, percent
		case "full":
			s.Full = percent
		}
	}
	return s
}

// memoryUsed is what our own cgroup has charged, or 0.
func memoryUsed(root string) int64 {
	for _, at := range []struct{ controller, file string }{{"", "/memory.current"}, {"memory", "/memory.usage_in_bytes"}} {
		dirs := cgroupDirs(root, at.controller)
		if len(dirs) == 0 {
			continue
		}
		// A hybrid machine has no memory files in the unified hierarchy.
		if n, err := strconv.ParseInt(strings.TrimSpace(readText(root, dirs[0]+at.file)), 10, 64); err == nil {
			return n
		}
	}
	return 0
}

// Throttled is what [Pressure] says about the CPU quota, alone.
func Throttled() (periods uint64, total time.Duration) { return throttled("/") }

// throttled reads cpu.stat of the cgroup that is throttled most, ours or one above.
func throttled(root string) (periods uint64, total time.Duration) {
	for _, controller := range []string{"", "cpu"} {
		for _, dir := range cgroupDirs(root, controller) {
			text := readText(root, dir+"/cpu.stat")
			n, ok := labelled(text, "nr_throttled")
			if !ok || n < periods {
				continue
			}
			periods = n
			if us, ok := labelled(text, "throttled_usec"); ok {
				total = time.Duration(us) * time.Microsecond
			} else if ns, ok := labelled(text, "throttled_time"); ok { // version 1
				total = time.Duration(ns)
			}
		}
	}
	return periods, total
}

// labelled finds "label number" lines.
func labelled(text, label string) (uint64, bool) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) >= 2 && f[0] == label {
			n, err := strconv.ParseUint(f[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
