package machine

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// Facts are what the machine offers. 0 is unknown.
type Facts struct {
	CPUs       float64 // cores by affinity, or the cgroup's quota where that is less
	Memory     int64   // bytes: the machine's, or the cgroup's limit where that is less
	Somaxconn  int     // net.core.somaxconn
	FileLimit  uint64  // descriptors per process
	Kubernetes bool    // this is a pod
}

// Read collects all facts of this process.
func Read() Facts {
	return Facts{
		CPUs:       CPUs(),
		Memory:     MemoryLimit(),
		Somaxconn:  Somaxconn(),
		FileLimit:  FileLimit(),
		Kubernetes: os.Getenv("KUBERNETES_SERVICE_HOST") != "",
	}
}

// CPUs returns how many CPUs this process may use, as a fraction where a
// cgroup's quota says so. It is above 0.
func CPUs() float64 { return cpus("/", runtime.NumCPU()) }

func cpus(root string, cores int) float64 {
	n := float64(cores)
	if quota := cpuQuota(root); quota > 0 {
		n = min(n, quota)
	}
	return n
}

// MemoryLimit returns the bytes of memory this process can have together with
// its cgroup, or 0.
func MemoryLimit() int64 { return memoryLimit("/") }

func memoryLimit(root string) int64 {
	total := memTotal(root)
	if limit := memoryQuota(root); limit > 0 && (total == 0 || limit < total) {
		return limit
	}
	return total
}

// memTotal reads the machine's memory from /proc/meminfo.
func memTotal(root string) int64 {
	for line := range strings.Lines(readText(root, "proc/meminfo")) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}

// Somaxconn returns net.core.somaxconn, to which the kernel silently cuts the
// backlog of listen(2), or 0. It belongs to the network namespace.
func Somaxconn() int { return somaxconn("/") }

func somaxconn(root string) int {
	n, err := strconv.Atoi(strings.TrimSpace(readText(root, "proc/sys/net/core/somaxconn")))
	if err != nil {
		return 0
	}
	return n
}

// FileLimit returns RLIMIT_NOFILE, or 0. Go raises the soft limit to the hard
// one at start (package os, rlimit.go), in workers too, so this is the limit
// that counts.
func FileLimit() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return limit.Cur
}

// readText returns a small file's text, "" if it cannot be read.
func readText(root, name string) string {
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return ""
	}
	return string(data)
}
