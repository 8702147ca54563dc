package supervisor

import "github.com/webchasor/webchasor/internal/sys"

// oomReading is the count of out-of-memory kills in the workers' cgroup, read
// at spawn and at death: only a counter that rose in between proves that a
// SIGKILL was the kernel's.
type oomReading struct {
	count  uint64
	source string
	err    error
}

func readOOM() oomReading {
	count, source, err := sys.OOMKills()
	return oomReading{count, source, err}
}
