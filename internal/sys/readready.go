package sys

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ReadyReader reads from a connection with memory that is needed only when there is
// something to read. It belongs to one goroutine.
type ReadyReader struct {
	raw    syscall.RawConn
	get    func() []byte
	put    func()
	try    func(fd uintptr) bool // made once, so that a read allocates nothing
	n      int
	failed error
}

// NewReadyReader reads from c. get lends a buffer for each try, and put takes it
// back when there was nothing. It fails if c has no descriptor.
func NewReadyReader(c syscall.Conn, get func() []byte, put func()) (*ReadyReader, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &ReadyReader{raw: raw, get: get, put: put}
	r.try = r.once
	return r, nil
}

// Read waits until there is something and reads it, once. The buffer of the
// latest get is the caller's then, also after an error that did not come of
// waiting. It blocks like a read of the connection, and ends by its deadline and
// its Close as that does. An end of file is io.EOF.
func (r *ReadyReader) Read() (int, error) {
	err := r.raw.Read(r.try)
	switch {
	case err != nil:
		return 0, waitEnded(err)
	case r.failed != nil:
		return 0, os.NewSyscallError("read", r.failed)
	case r.n <= 0:
		return 0, io.EOF
	}
	return r.n, nil
}

// once returns false when the runtime has to wait and ask again.
func (r *ReadyReader) once(fd uintptr) bool {
	buf := r.get()
	r.n, r.failed = receive(int(fd), buf)
	if errors.Is(r.failed, unix.EAGAIN) {
		r.put()
		return false
	}
	return true
}
