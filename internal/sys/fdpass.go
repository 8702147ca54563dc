package sys

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// MaxFDs is how many descriptors one message may carry (SCM_MAX_FD, unix(7)).
const MaxFDs = 253

// SendFDs sends one message with up to [MaxFDs] descriptors over a packet
// socket. The caller keeps its own copies; the receiver gets new ones. It
// blocks while the queue is full, if fd is blocking.
func SendFDs(fd int, msg []byte, fds ...int) error {
	if len(fds) > MaxFDs {
		return fmt.Errorf("cannot send %d descriptors in one message: %d at most", len(fds), MaxFDs)
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if err := unix.Sendmsg(fd, msg, rights, nil, sendFlags); err != nil {
		return fmt.Errorf("cannot send descriptors: %w", err)
	}
	return nil
}

// RecvFDs receives one message of [SendFDs]. The descriptors are close-on-exec
// and belong to the caller. A message that lost descriptors, because this
// process is at its limit, is an error, and those that came are closed.
func RecvFDs(fd int) (msg []byte, fds []int, err error) {
	buf := make([]byte, MaxPacket)
	oob := make([]byte, unix.CmsgSpace(4*MaxFDs))
	n, oobn, flags, _, err := unix.Recvmsg(fd, buf, oob, recvFlags)
	if errors.Is(err, unix.ECONNRESET) {
		// The peer closed with messages of ours unread (unix(7)). It is said once,
		// before what the peer sent last.
		n, oobn, flags, _, err = unix.Recvmsg(fd, buf, oob, recvFlags)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot receive descriptors: %w", err)
	}
	if n == 0 && oobn == 0 {
		return nil, nil, io.EOF
	}
	fds, err = parseFDs(oob[:oobn])
	if err == nil && flags&(unix.MSG_CTRUNC|unix.MSG_TRUNC) != 0 {
		err = errors.New("cannot receive all descriptors of a message: the limit of open files (RLIMIT_NOFILE) is reached")
	}
	if err != nil {
		for _, got := range fds {
			_ = CloseFD(got)
		}
		return nil, nil, err
	}
	return buf[:n], fds, nil
}

func parseFDs(oob []byte) (fds []int, err error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("cannot read the descriptors of a message: %w", err)
	}
	for i := range messages {
		got, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return fds, fmt.Errorf("cannot read the descriptors of a message: %w", err)
		}
		fds = append(fds, got...)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	return fds, nil
}
