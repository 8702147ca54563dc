package sys

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// PeerUID returns the user of the process that connected a unix socket, as it
// was at that moment, in this process's user namespace (unix(7), SO_PEERCRED).
func PeerUID(conn syscall.Conn) (uid int, err error) {
	err = WithFD(conn, func(fd int) error {
		peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err == nil {
			uid = int(peer.Uid)
		}
		return err
	})
	if err != nil {
		return -1, fmt.Errorf("cannot tell who connected: %w", err)
	}
	return uid, nil
}
