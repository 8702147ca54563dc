package systemd

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// firstFD is SD_LISTEN_FDS_START of sd_listen_fds(3).
const firstFD = 3

// Passed is one descriptor that the manager opened or kept for us.
type Passed struct {
	Name string // FileDescriptorName=, or the name it was stored under; "unknown" without
	FD   int    // raw, so that no poller of ours wakes for its connections; the caller's
}

// Count is how many descriptors, from 3, were passed to this process. It touches nothing.
func Count() int { return countFor(os.Getpid()) }

// countFor tells the descriptors of another process from nobody's: a shell between may have
// left the variables of its own (sd_listen_fds(3)).
func countFor(pid int) int {
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || n <= 0 || os.Getenv("LISTEN_PID") != strconv.Itoa(pid) {
		return 0
	}
	return n
}

// Listen returns the descriptors that were passed to pid: this process, or its parent if
// that is an init of our own, which hands on what it was given. It removes the
// variables: what this process starts must not take them for its own. They are
// close-on-exec from now on.
func Listen(pid int) []Passed {
	n, names := countFor(pid), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name) // fails for a malformed name only
	}
	if n == 0 {
		return nil
	}
	named := strings.Split(names, ":")
	all := make([]Passed, 0, n)
	for i := range n {
		p := Passed{Name: "unknown", FD: firstFD + i}
		if i < len(named) && named[i] != "" {
			p.Name = named[i]
		}
		syscall.CloseOnExec(p.FD)
		all = append(all, p)
	}
	return all
}
