package sys

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// MaxPacket is the largest message a [Channel] carries, in bytes.
const MaxPacket = 256 << 10

// ErrChannelFull is returned by [Channel.TrySend] when the peer does not read.
var ErrChannelFull = errors.New("the peer does not read its messages")

// Channel is one end of a [ControlPair] in Go's poller. One goroutine may
// receive while others send.
type Channel struct {
	file *os.File
	raw  syscall.RawConn
	over atomic.Bool // Close was called
}

// NewChannel takes ownership of fd and makes it non-blocking.
func NewChannel(fd int) (*Channel, error) {
	if err := SetNonblock(fd); err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "control channel")
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("cannot use descriptor %d as control channel: %w", fd, err)
	}
	return &Channel{file: file, raw: raw}, nil
}

// Send queues one message, waiting while the queue is full. The error is
// EPIPE once the peer is gone.
func (c *Channel) Send(msg []byte) error {
	return c.send(msg, nil, true)
}

// TrySend is Send without waiting: [ErrChannelFull] when there is no room.
// The master uses it, so that a stopped worker cannot stop the master.
func (c *Channel) TrySend(msg []byte) error {
	return c.send(msg, nil, false)
}

func (c *Channel) send(msg, rights []byte, wait bool) error {
	if len(msg) == 0 || len(msg) > MaxPacket {
		// An empty packet reads like an end of file.
		return fmt.Errorf("cannot send a message of %d bytes: want 1 to %d", len(msg), MaxPacket)
	}
	var sent error
	err := c.raw.Write(func(fd uintptr) bool {
		for {
			_, sent = unix.SendmsgN(int(fd), msg, rights, nil, sendFlags)
			if !errors.Is(sent, unix.EINTR) {
				break
			}
		}
		if !queueFull(sent) {
			return true
		}
		if !wait {
			sent = ErrChannelFull
		}
		return !wait
	})
	if err = errors.Join(c.reason(err), sent); err != nil {
		return fmt.Errorf("cannot send a message of %d bytes: %w", len(msg), err)
	}
	return nil
}

// Recv waits for one message and returns it as a part of buf, which should
// have [MaxPacket] bytes: a longer message is an error. io.EOF means that the
// peer is gone and everything it sent has been read.
func (c *Channel) Recv(buf []byte) ([]byte, error) {
	n, _, flags, err := c.recv(buf, nil, 0)
	switch {
	case err != nil:
		return nil, err
	case flags&unix.MSG_TRUNC != 0:
		return nil, tooLong(buf)
	}
	return buf[:n], nil
}

// recv waits for one message and what is beside it.
func (c *Channel) recv(buf, oob []byte, how int) (n, oobn, flags int, err error) {
	var got error
	err = c.raw.Read(func(fd uintptr) bool {
		for {
			n, oobn, flags, _, got = unix.Recvmsg(int(fd), buf, oob, how)
			// ECONNRESET: the peer closed with messages of ours unread
			// (unix(7)). It is said once, before what the peer sent last.
			if !errors.Is(got, unix.EINTR) && !errors.Is(got, unix.ECONNRESET) {
				break
			}
		}
		return !errors.Is(got, unix.EAGAIN)
	})
	switch {
	case err != nil:
		return 0, 0, 0, fmt.Errorf("cannot receive a message: %w", c.reason(err))
	case got != nil:
		return 0, 0, 0, fmt.Errorf("cannot receive a message: %w", got)
	case n == 0 && oobn == 0:
		return 0, 0, 0, io.EOF
	}
	return n, oobn, flags, nil
}

func tooLong(buf []byte) error {
	return fmt.Errorf("cannot receive a message: it is longer than the buffer of %d bytes", len(buf))
}

// SetDeadline bounds waiting in Send and Recv; the zero time does not.
func (c *Channel) SetDeadline(t time.Time) error { return c.file.SetDeadline(t) }

// SendWithin is [Channel.Send] that waits no longer than limit; the error is
// os.ErrDeadlineExceeded then. A Recv under way is not disturbed.
func (c *Channel) SendWithin(msg []byte, limit time.Duration) error {
	if err := c.file.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return fmt.Errorf("cannot send a message: %w", c.reason(err))
	}
	return c.send(msg, nil, true)
}

// Close ends this end: the peer reads io.EOF, and a Recv under way here
// returns os.ErrClosed.
func (c *Channel) Close() error {
	c.over.Store(true)
	return c.file.Close()
}

// reason gives the error of a closed file its public name: os.File's raw
// connection returns the poller's own, which is not os.ErrClosed.
func (c *Channel) reason(err error) error {
	if err != nil && c.over.Load() {
		return os.ErrClosed
	}
	return err
}

// sendBuffer makes room for the largest packet and verifies it: the kernel
// caps SO_SNDBUF silently (net.core.wmem_max, socket(7)), and refuses packets
// larger than the buffer less 32 bytes (unix_dgram_sendmsg).
func sendBuffer(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 2*MaxPacket); err != nil {
		return fmt.Errorf("cannot set the send buffer: %w", err)
	}
	got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	if err != nil {
		return fmt.Errorf("cannot read the send buffer: %w", err)
	}
	if got < MaxPacket+32 {
		return fmt.Errorf("cannot make a control channel: the send buffer is %d bytes, needed are %d; raise net.core.wmem_max", got, MaxPacket+32)
	}
	return nil
}
