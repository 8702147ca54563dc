package worker

import (
	"sync"
	"syscall"

	"github.com/webchasor/webchasor/internal/sys"
)

// aheadSize is how much is read at once when a request begins: its head, nearly always.
const aheadSize = 4 << 10

var aheadBuffers = sync.Pool{New: func() any { return new([aheadSize]byte) }}

// ahead lets a connection wait for its next request without a buffer. fasthttp asks for
// a single byte then, see [newFastEngine], and takes its own buffer when that has
// come. Reading it alone would be a system call more for each request, so all that is
// there is read into a borrowed buffer, and the rest is what fasthttp reads next.
//
// It belongs to the goroutine that reads.
type ahead struct {
	buf  *[aheadSize]byte // borrowed; nil while rest is empty
	rest []byte           // of it, what the server has not got yet
	from *sys.ReadyReader // nil until needed
}

func (a *ahead) borrow() []byte {
	if a.buf == nil {
		a.buf, _ = aheadBuffers.Get().(*[aheadSize]byte)
	}
	return a.buf[:]
}

func (a *ahead) giveBack() {
	if a.buf != nil {
		aheadBuffers.Put(a.buf)
		a.buf, a.rest = nil, nil
	}
}

// next hands out what was read before.
func (a *ahead) next(p []byte) int {
	n := copy(p, a.rest)
	if a.rest = a.rest[n:]; len(a.rest) == 0 {
		a.giveBack()
	}
	return n
}

// awaits says that the server reads the first byte of a request, and has none
// of it yet.
func (c *conn) awaits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.state {
	case connFresh, connIdle, connLeaving:
		return true
	case connActive, connMoving, connAnswered, connHijacked, connClosed:
	}
	return false
}

// bareOf is the socket whose bytes are what the server reads, or nil where
// something stands between, which has to be asked with a buffer in hand.
func bareOf(s socket) syscall.Conn {
	switch s := s.(type) {
	case *tlsSocket, *h2stream:
		return nil
	case *proxied:
		if s.origin.Load() == nil { // its header is still to come
			return nil
		}
		return bareOf(s.socket)
	default:
		return s
	}
}

// receiveAhead reads into a borrowed buffer as soon as there is something.
func (c *conn) receiveAhead() ([]byte, error) {
	if c.ahead.from == nil {
		bare := bareOf(c.socket)
		if bare == nil {
			n, err := c.socket.Read(c.ahead.borrow())
			return c.ahead.buf[:n], err
		}
		from, err := sys.NewReadyReader(bare, c.ahead.borrow, c.ahead.giveBack)
		if err != nil {
			return nil, err
		}
		c.ahead.from = from
	}
	n, err := c.ahead.from.Read()
	if n == 0 {
		return nil, err
	}
	return c.ahead.buf[:n], err
}

// readAhead serves a read of one byte.
func (c *conn) readAhead(p []byte) (int, error) {
	got, err := c.read(p, true)
	if len(got) == 0 {
		c.ahead.giveBack()
		return 0, err
	}
	c.ahead.rest = got
	return c.ahead.next(p), nil
}
