//go:build !linux || race

package sys

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// The portable way, on non-blocking sockets; also the one that the race detector
// understands: package syscall tells it what a read after a write has seen.

func receiveNow(fd int, p []byte) (int, error) {
	n, err := syscall.Read(fd, p)
	return max(n, 0), err
}

func sendNow(fd int, p []byte) (int, error) {
	n, err := syscall.Write(fd, p)
	return max(n, 0), err
}

func acceptNow(listener int) (int, net.Addr, error) {
	syscall.ForkLock.RLock() // no child may be made before it is close-on-exec
	defer syscall.ForkLock.RUnlock()
	fd, from, err := unix.Accept(listener)
	if err != nil {
		return -1, nil, err
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return -1, nil, err
	}
	return fd, addrOf(from), nil
}
