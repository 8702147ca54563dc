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

// Listen returns the descriptors that were passed to this process, and removes the
// variables: what this process starts must not take them for its own. They are
// close-on-exec from now on.
func Listen() []Passed {
	pid, fds, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name) // fails for a malformed name only
	}
	n, err := strconv.Atoi(fds)
	if err != nil || n <= 0 || pid != strconv.Itoa(os.Getpid()) {
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
