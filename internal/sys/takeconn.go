package sys

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// TakeConn makes a connection of a descriptor that another process handed
// over, and takes ownership of fd also when it fails. Go sets TCP_NODELAY and
// keep-alive on every TCP connection it gets to know; here they stay as they were.
func TakeConn(fd int) (net.Conn, error) {
	before := tcpOptions(fd)
	f := os.NewFile(uintptr(fd), "connection")
	if f == nil {
		return nil, fmt.Errorf("cannot take connection %d over: %w", fd, os.ErrInvalid)
	}
	c, err := net.FileConn(f) // has a duplicate
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("cannot take a connection over: %w", err)
	}
	if s, ok := c.(*net.TCPConn); ok {
		// An error means that the connection is dead: the server finds out.
		_ = WithFD(s, func(fd int) error {
			after := tcpOptions(fd)
			for i, o := range before {
				if o != after[i] && o.known {
					_ = unix.SetsockoptInt(fd, o.level, o.name, o.value)
				}
			}
			return nil
		})
	}
	return c, nil
}

// sockOption is one option of a socket and its value.
type sockOption struct {
	level, name, value int
	known              bool
}

func tcpOptions(fd int) []sockOption {
	options := make([]sockOption, len(keptOptions))
	copy(options, keptOptions[:])
	for i := range options {
		o := &options[i]
		value, err := unix.GetsockoptInt(fd, o.level, o.name)
		o.value, o.known = value, err == nil
	}
	return options
}
