//go:build !linux

package sys

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

const sendFlags = 0

// queueFull knows ENOBUFS too: BSD kernels say it for a full datagram queue.
func queueFull(err error) bool {
	return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS)
}

// ControlPair makes a connected pair of datagram sockets: darwin has no
// SOCK_SEQPACKET on Unix sockets. A closed peer reads as a reset.
func ControlPair() (a, b int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		return -1, -1, fmt.Errorf("cannot make a control channel: %w", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		if err := sendBuffer(fd); err != nil {
			return -1, -1, errors.Join(err, CloseFD(fds[0]), CloseFD(fds[1]))
		}
	}
	return fds[0], fds[1], nil
}
