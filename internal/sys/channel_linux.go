package sys

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

const sendFlags = unix.MSG_NOSIGNAL

func queueFull(err error) bool { return errors.Is(err, unix.EAGAIN) }

// ControlPair makes a connected pair of packet sockets, both close-on-exec:
// one write is one read, and when every copy of one end is closed the other
// reads an end of file, after what was queued. Besides the buffer, the queue
// holds net.unix.max_dgram_qlen packets each way.
func ControlPair() (a, b int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, -1, fmt.Errorf("cannot make a control channel: %w", err)
	}
	for _, fd := range fds {
		if err := sendBuffer(fd); err != nil {
			return -1, -1, errors.Join(err, CloseFD(fds[0]), CloseFD(fds[1]))
		}
	}
	return fds[0], fds[1], nil
}
