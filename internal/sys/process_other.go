//go:build !linux

package sys

import "golang.org/x/sys/unix"

// ProcessStart cannot tell when process pid began here; ok is whether there is one.
func ProcessStart(pid int) (ticks uint64, ok bool) {
	return 0, unix.Kill(pid, 0) != unix.ESRCH
}
