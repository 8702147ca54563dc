package sys

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// CloseFD closes a descriptor. It never retries: after EINTR Linux has closed
// it all the same (close(2)), and a second try could hit somebody else's.
func CloseFD(fd int) error {
	if err := unix.Close(fd); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("cannot close descriptor %d: %w", fd, err)
	}
	return nil
}

// DupCloexec returns a close-on-exec duplicate that the caller owns. Flags of
// the open file, O_NONBLOCK among them, are shared with the original.
func DupCloexec(fd int) (int, error) {
	return dupAbove(fd, 0)
}

// dupAbove duplicates fd to the lowest free number that is at least lowest.
func dupAbove(fd, lowest int) (int, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, lowest)
	if err != nil {
		return -1, fmt.Errorf("cannot duplicate descriptor %d: %w", fd, err)
	}
	return dup, nil
}

// Cloexec says whether a descriptor stays behind when its process executes a program. What a
// process was started with does not, until it says otherwise.
func Cloexec(fd int) (bool, error) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil {
		return false, fmt.Errorf("cannot look at descriptor %d: %w", fd, err)
	}
	return flags&unix.FD_CLOEXEC != 0, nil
}

// SetNonblock puts the open file behind fd into non-blocking mode, for every
// process that shares it.
func SetNonblock(fd int) error {
	if err := unix.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("cannot make descriptor %d non-blocking: %w", fd, err)
	}
	return nil
}

// Readable says, without waiting, whether a read or accept on fd would find
// something: data, a connection, an end of file or an error.
func Readable(fd int) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return false, fmt.Errorf("cannot poll descriptor %d: %w", fd, err)
		case n > 0 && fds[0].Revents&unix.POLLNVAL != 0:
			return false, fmt.Errorf("cannot poll descriptor %d: %w", fd, unix.EBADF)
		}
		return n > 0, nil
	}
}

// WithFD lends the descriptor behind c to f. It cannot be closed and reused
// by another goroutine before f returns, which f must do without blocking.
func WithFD(c syscall.Conn, f func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return fmt.Errorf("cannot reach the descriptor: %w", err)
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return fmt.Errorf("cannot reach the descriptor: %w", err)
	}
	return inner
}
