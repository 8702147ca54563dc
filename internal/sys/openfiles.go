package sys

import (
	"fmt"
	"os"

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
