package sys

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is a connection that a [Listener] accepted or another process handed over. It
// is what package net would have made of it, with cheaper system calls: see
// receiveNow. Waiting is left to Go's poller. All methods may be called at the same time.
type Conn struct {
	file   *os.File
	raw    syscall.RawConn
	remote net.Addr
	in     ioOp
	out    ioOp

	asked sync.Once
	local net.Addr
}

// TakeConn makes a connection of a descriptor that another process handed over, and
// takes ownership of fd also when it fails. The socket's options stay as they were.
func TakeConn(fd int) (*Conn, error) {
	from, err := unix.Getpeername(fd)
	switch {
	case errors.Is(err, unix.ENOTCONN):
		from = nil // it was reset on the way: the server finds out
	case err != nil:
		return nil, errors.Join(fmt.Errorf("cannot take connection %d over: %w", fd, err), CloseFD(fd))
	}
	if err := SetNonblock(fd); err != nil {
		return nil, errors.Join(err, CloseFD(fd))
	}
	return newConn(fd, addrOf(from))
}

// newConn takes fd, which is non-blocking, also when it fails.
func newConn(fd int, remote net.Addr) (*Conn, error) {
	f := os.NewFile(uintptr(fd), "connection")
	// os.File goes on without the poller where that has no room, and could not wait.
	if err := f.SetDeadline(time.Time{}); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot wait for connection %d: %w", fd, err), f.Close())
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	c := &Conn{file: f, raw: raw, remote: remote}
	c.in.step, c.out.step = c.in.receive, c.out.send
	return c, nil
}

// Read reads what is there, or waits.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.in.do(c.raw.Read, p)
	switch {
	case err != nil:
		return 0, c.failed("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write writes all of p unless it fails.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.do(c.raw.Write, p)
	if err != nil {
		return n, c.failed("write", err)
	}
	return n, nil
}

// failed is the error as package net would return it.
func (c *Conn) failed(op string, err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		err = os.NewSyscallError(op, errno)
	} else {
		err = waitEnded(err)
	}
	return &net.OpError{Op: op, Net: c.remote.Network(), Addr: c.remote, Err: err}
}

// Close ends the connection, and whoever waits for it.
func (c *Conn) Close() error {
	if err := c.file.Close(); err != nil {
		if errors.Is(err, os.ErrClosed) {
			err = net.ErrClosed
		}
		return &net.OpError{Op: "close", Net: c.remote.Network(), Addr: c.remote, Err: err}
	}
	return nil
}

// CloseWrite tells the peer that nothing more comes.
func (c *Conn) CloseWrite() error {
	return WithFD(c, func(fd int) error { return os.NewSyscallError("shutdown", unix.Shutdown(fd, unix.SHUT_WR)) })
}

// SetLinger is [net.TCPConn.SetLinger].
func (c *Conn) SetLinger(sec int) error {
	l := unix.Linger{}
	if sec >= 0 {
		l = unix.Linger{Onoff: 1, Linger: int32(min(sec, 1<<15))} //nolint:gosec // bounded
	}
	return WithFD(c, func(fd int) error {
		return os.NewSyscallError("setsockopt", unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &l))
	})
}

// RemoteAddr is a *[net.TCPAddr] or *[net.UnixAddr].
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// LocalAddr asks the kernel the first time: few want to know.
func (c *Conn) LocalAddr() net.Addr {
	c.asked.Do(func() {
		err := WithFD(c, func(fd int) (err error) {
			c.local, err = localAddr(fd)
			return err
		})
		if err != nil {
			c.local = unixAddr("") // closed meanwhile
		}
	})
	return c.local
}

// SyscallConn lends the descriptor.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.raw, nil }

// SetDeadline bounds reading and writing, as that of [net.Conn] does.
func (c *Conn) SetDeadline(t time.Time) error { return c.file.SetDeadline(t) }

// SetReadDeadline bounds reading.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.file.SetReadDeadline(t) }

// SetWriteDeadline bounds writing.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.file.SetWriteDeadline(t) }
