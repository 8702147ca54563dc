package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// TrySendFDs is [Channel.TrySend] with up to [MaxFDs] descriptors beside the
// message. The caller keeps its own copies.
func (c *Channel) TrySendFDs(msg []byte, fds ...int) error {
	if len(fds) > MaxFDs {
		return fmt.Errorf("cannot send %d descriptors in one message: %d at most", len(fds), MaxFDs)
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	return c.send(msg, rights, false)
}

// RecvFDs waits for one message like [Channel.Recv] and returns the
// descriptors beside it, which are close-on-exec and the caller's. lost says
// that some did not arrive, because this process is at its limit of open
// files: the first ones did.
func (c *Channel) RecvFDs(buf []byte) (msg []byte, fds []int, lost bool, err error) {
	oob := make([]byte, unix.CmsgSpace(4*MaxFDs))
	n, oobn, flags, err := c.recv(buf, oob, recvFlags)
	if err != nil {
		return nil, nil, false, err
	}
	fds, err = parseFDs(oob[:oobn])
	if err == nil && flags&unix.MSG_TRUNC != 0 {
		err = tooLong(buf)
	}
	if err != nil {
		for _, fd := range fds {
			_ = CloseFD(fd)
		}
		return nil, nil, false, err
	}
	return buf[:n], fds, flags&unix.MSG_CTRUNC != 0, nil
}
