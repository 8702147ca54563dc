package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// OpenImage opens the program behind a path of [ExecPath], to give it away.
func OpenImage(path string) (fd int, err error) {
	fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("cannot open the program %s: %w", path, err)
	}
	return fd, nil
}

// KeepExe takes fd, a program that another process has given, and returns the
// path by which a child of this process executes it, for as long as this
// process lives; see [OpenSelfExe] for why it gets a high number.
func KeepExe(fd int) (path string, err error) {
	defer func() { _ = CloseFD(fd) }()
	high, err := dupAbove(fd, exeNumber())
	if err != nil {
		return "", err
	}
	return ExecPath(high)
}
