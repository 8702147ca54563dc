package sys

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// Peek waits until enough says that the first bytes of a connection are what the
// caller waits for, and leaves them where they are: nobody's, until somebody reads.
// It obeys the connection's read deadline and returns how many of p it has filled.
// A peer that sends no more, and bytes that are not enough although they fill p,
// are errors.
//
// The wait for more bytes while some are unread works because Go's poller is
// edge-triggered: each arrival is an event (epoll(7)), also where the socket is
// readable already.
func Peek(c syscall.Conn, p []byte, enough func([]byte) bool) (n int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("cannot reach the descriptor: %w", err)
	}
	var inner error
	err = raw.Read(func(fd uintptr) (done bool) {
		n, inner = peek(int(fd), p)
		switch {
		case errors.Is(inner, unix.EAGAIN):
			inner = nil
			return false
		case inner != nil:
			return true
		case enough(p[:n]):
			return true
		case n == len(p):
			inner = io.ErrShortBuffer
			return true
		case ended(int(fd)):
			inner = io.ErrUnexpectedEOF
			return true
		}
		return false
	})
	return n, errors.Join(err, inner)
}

func peek(fd int, p []byte) (int, error) {
	for {
		n, _, err := unix.Recvfrom(fd, p, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, fmt.Errorf("cannot look at what has come: %w", err)
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}
