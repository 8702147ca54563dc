package sys

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Listener accepts connections as [Conn]. Accept has one caller; the other methods may
// be called at any time.
type Listener struct {
	file *os.File
	raw  syscall.RawConn
	addr net.Addr
	// Results of step, which is made once, see ioOp.
	fd     int
	remote net.Addr
	err    error
	step   func(fd uintptr) (done bool)
}

// NewListener takes a listening socket of TCP or unix into Go's poller. It owns fd,
// also when it fails, and makes it non-blocking and close-on-exec. The path of
// a unix socket stays somebody else's.
func NewListener(fd int) (*Listener, error) {
	addr, err := prepare(fd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot accept on descriptor %d: %w", fd, err), CloseFD(fd))
	}
	f := os.NewFile(uintptr(fd), addr.String())
	raw, err := f.SyscallConn()
	if err = errors.Join(err, f.SetDeadline(time.Time{})); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot wait for connections on descriptor %d: %w", fd, err), f.Close())
	}
	l := &Listener{file: f, raw: raw, addr: addr}
	l.step = l.once
	return l, nil
}

// prepare sets what accepting needs and returns the address.
func prepare(fd int) (net.Addr, error) {
	addr, err := localAddr(fd)
	if err != nil {
		return nil, os.NewSyscallError("getsockname", err)
	}
	unix.CloseOnExec(fd)
	if err := SetNonblock(fd); err != nil {
		return nil, err
	}
	if addr.Network() != "tcp" {
		return addr, nil
	}
	return addr, endow(fd)
}

// endow gives a listening socket the options that package net sets on each
// connection it accepts, with its values. A connection has them from its listener
// (the kernel copies the socket, sk_clone_lock in net/core/sock.c), so it
// costs five system calls once and not each time.
func endow(fd int) error {
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

// sockOption is one option of a socket and its value.
type sockOption struct{ level, name, value int }

// Accept waits for a connection. A deadline in the past makes it return.
func (l *Listener) Accept() (net.Conn, error) {
	l.fd, l.remote, l.err = -1, nil, nil
	err := l.raw.Read(l.step)
	switch {
	case err != nil:
		err = waitEnded(err)
	case l.err != nil:
		err = os.NewSyscallError("accept", l.err)
	}
	if err != nil {
		return nil, &net.OpError{Op: "accept", Net: l.addr.Network(), Addr: l.addr, Err: err}
	}
	c, err := newConn(l.fd, l.remote)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// once is false when the poller has to wait and ask again.
func (l *Listener) once(fd uintptr) bool {
	for {
		l.fd, l.remote, l.err = acceptNow(int(fd))
		switch {
		case errors.Is(l.err, unix.EINTR), errors.Is(l.err, unix.ECONNABORTED):
			continue // the latter had gone before we came, accept(2)
		case errors.Is(l.err, unix.EAGAIN):
			return false
		}
		return true
	}
}

// Close closes this process's descriptor and ends Accept. The socket listens on for
// whoever else has it, see [CloseListener].
func (l *Listener) Close() error {
	err := l.file.Close()
	if errors.Is(err, os.ErrClosed) {
		return net.ErrClosed
	}
	return err
}

// Addr is where the socket listens.
func (l *Listener) Addr() net.Addr { return l.addr }

// SetDeadline bounds Accept.
func (l *Listener) SetDeadline(t time.Time) error { return l.file.SetDeadline(t) }

// SyscallConn lends the descriptor.
func (l *Listener) SyscallConn() (syscall.RawConn, error) { return l.raw, nil }
