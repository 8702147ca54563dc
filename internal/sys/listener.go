package sys

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Relisten changes the backlog of a listening socket for all who share it;
// queued connections stay. The kernel caps it silently at net.core.somaxconn.
func Relisten(fd, backlog int) error {
	if err := unix.Listen(fd, backlog); err != nil {
		return fmt.Errorf("cannot change the backlog of descriptor %d to %d: %w", fd, backlog, err)
	}
	return nil
}

// CloseListener ends a listening socket for every process that holds it, by
// shutdown(2), and closes fd. Closing alone would leave it listening for as
// long as any worker has a copy. What follows was tried on Linux 6.18 and is tested:
//
//   - New connections are refused at once, and the port can be bound again although others still hold the socket.
//   - TCP: connections that wait in the queue are reset, so empty it first.
//     Every accept, waiting or new, in any process, ends with EINVAL.
//   - Unix: queued connections stay and can be accepted by whoever holds a
//     copy. After them accept says EAGAIN for ever, while poll calls the socket
//     readable; a waiting accept in Go goes on waiting until its own copy is closed.
func CloseListener(fd int) error {
	err := unix.Shutdown(fd, unix.SHUT_RDWR)
	// ENOTCONN: it is not listening any more; some systems say it for every listener.
	if err != nil && !errors.Is(err, unix.ENOTCONN) {
		return errors.Join(fmt.Errorf("cannot shut down listening descriptor %d: %w", fd, err), CloseFD(fd))
	}
	return CloseFD(fd)
}
