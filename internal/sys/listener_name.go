package sys

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrNotListening: the descriptor is no stream socket that somebody listens on.
var ErrNotListening = errors.New("it is not a listening stream socket")

// ListenerName says what a descriptor that came from outside listens on: "tcp"
// with the numeric address, or "unix" with the path ("@name" in the abstract
// namespace).
func ListenerName(fd int) (network, address string, err error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return "", "", fmt.Errorf("descriptor %d: %w: %w", fd, ErrNotListening, err)
	}
	accepts, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil || kind != unix.SOCK_STREAM || accepts == 0 {
		return "", "", errors.Join(fmt.Errorf("descriptor %d: %w", fd, ErrNotListening), err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return "", "", fmt.Errorf("getsockname: %w", err)
	}
	if sa, ok := sa.(*unix.SockaddrUnix); ok {
		return "unix", sa.Name, nil
	}
	address, err = boundTCP(fd)
	return "tcp", address, err
}
