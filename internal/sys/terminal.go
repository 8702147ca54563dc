package sys

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// InForeground says whether this process is in the foreground process group of
// the terminal on its standard input, which is where the terminal's own
// signals (SIGWINCH at every change of its size) go.
func InForeground() bool {
	group, err := unix.IoctlGetInt(syscall.Stdin, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
