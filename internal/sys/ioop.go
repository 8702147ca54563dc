package sys

import (
	"errors"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// ioOp is one direction of a [Conn]. It is kept with the connection because a function
// value made for every call would be an allocation for every call.
type ioOp struct {
	mu   sync.Mutex // one caller at a time; held while it waits
	p    []byte
	n    int
	err  error
	step func(fd uintptr) (done bool)
}

// do moves bytes of p by way of a raw connection's Read or Write.
func (o *ioOp) do(by func(func(uintptr) bool) error, p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.p, o.n, o.err = p, 0, nil
	err := by(o.step)
	o.p = nil
	if err == nil {
		err = o.err
	}
	return o.n, err
}

// receive reads once. Like send it is false when the poller has to wait and ask again.
func (o *ioOp) receive(fd uintptr) bool {
	o.n, o.err = receive(int(fd), o.p)
	if errors.Is(o.err, unix.EAGAIN) {
		o.err = nil
		return false
	}
	return true
}

// send writes until all is written.
func (o *ioOp) send(fd uintptr) bool {
	for o.n < len(o.p) {
		n, err := sendNow(int(fd), o.p[o.n:])
		o.n += n
		switch {
		case err == nil, errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return false
		default:
			o.err = err
			return true
		}
	}
	return true
}

// receive is receiveNow, again after a signal.
func receive(fd int, p []byte) (n int, err error) {
	for {
		if n, err = receiveNow(fd, p); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// waitEnded is why the poller did not wait: the deadline, or the descriptor was closed.
// The raw connection of an os.File returns the poller's own error for the latter,
// which has no public name.
func waitEnded(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return net.ErrClosed
}
