package sys

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// FileLimit is how many descriptors this process may have (RLIMIT_NOFILE).
func FileLimit() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("cannot read the limit of open files: %w", err)
	}
	return int(min(limit.Cur, 1<<30)), nil
}

// RaiseFileLimit makes room for so many descriptors in this process and in those
// it starts. Up to the hard limit Go has done it at the start, for this process
// alone; beyond it needs root or CAP_SYS_RESOURCE (setrlimit(2)), and the kernel
// allows no more than fs.nr_open. raised is false where there was room already.
func RaiseFileLimit(need uint64) (raised bool, err error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return false, fmt.Errorf("cannot read the limit of open files: %w", err)
	}
	if limit.Cur >= need {
		return false, nil
	}
	// Package syscall's own call, because it also ends Go's habit of giving
	// children the soft limit from before the start.
	limit.Cur, limit.Max = need, max(limit.Max, need)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return false, fmt.Errorf("cannot raise the limit of open files (RLIMIT_NOFILE) to %d: %w", need, err)
	}
	return true, nil
}

// OpenFiles counts this process's descriptors. It lists a folder of the
// kernel, so it is nothing for every request.
func OpenFiles() (int, error) {
	f, err := os.Open("/dev/fd") // on Linux /proc/self/fd
	if err != nil {
		return 0, fmt.Errorf("cannot count open files: %w", err)
	}
	defer func() { _ = f.Close() }()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return 0, fmt.Errorf("cannot count open files: %w", err)
	}
	return len(names) - 1, nil // without f
}
