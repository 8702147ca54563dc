package worker

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
)

// writeSlice bounds one write to the socket, so that the progress of a large
// response to a slow reader can be seen while it lasts.
const writeSlice = 64 << 10

// past makes a deadline expire at once.
var past = time.Unix(1, 0)

// errAnswered ends whoever still writes after the watchdog has taken the
// connection. It wraps EPIPE because both servers know that as a dead connection.
var errAnswered = fmt.Errorf("the exchange was ended by the watchdog: %w", syscall.EPIPE)

// errMoved cannot happen: a server that has let go says nothing more.
var errMoved = fmt.Errorf("the connection is another worker's: %w", syscall.EPIPE)

// socket is what a connection is below the wrapper: TCP or unix.
type socket interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// conn is the wrapper around an accepted connection that both servers see. It
// knows whether a request is under way, holds this connection's line in the
// scoreboard and lets the watchdog act without the handler's help.
//
// Idle and request timeouts are the watchdog's business: a keep-alive request
// sets no deadline. An expired read deadline is how a connection is asked to
// leave: the server lets go of it without a word, and bytes that arrive
// meanwhile stay in the kernel.
type conn struct {
	socket
	tls    *tlsSocket // the socket, if it speaks TLS
	stream *h2stream  // the socket, if this is only a stream of a connection
	shared *shared    // what it has if it speaks HTTP/2; nil before and without
	t      *tracker
	entry  *scoreboard.Entry
	index  int // of entry
	place  int // in the registry, guarded by its mutex

	// Bytes both ways and signs of life: what the watchdog calls progress.
	in, out, marks atomic.Uint64
	before         uint64      // in, before the latest read
	writing        atomic.Bool // a write is in the kernel
	deadlines      atomic.Bool // a write deadline was ever set

	mu    sync.Mutex // never held during I/O
	state connState
	since time.Duration // when the state was entered
	mover *mover        // to whom it was asked to leave; nil while it stays, or just goes
	spoke bool          // it has had a request, here or at another worker
	fixed bool          // never moves: there is more to it than the socket
	// deadlinesLeft is which call of SetReadDeadline proves a hidden request.
	deadlinesLeft int
	// from is where in the incoming bytes the request under way begins, and
	// size how long it is: what is behind it is the next one's (fasthttp).
	from, size uint64
	entered    uint64 // requests whose handlers have begun
	req        exchange

	// doubted: a worker that hangs may hold a copy of the descriptor, so closing
	// ours alone would not tell the client.
	doubted bool

	// thrifty: the server reads a single byte to wait for a request, see ahead.
	thrifty bool

	room  int   // net/http's read buffer when it is empty; the serving goroutine's
	ahead ahead // the serving goroutine's

	access   *accessLine // the serving goroutine's; nil until needed
	client   identity    // the serving goroutine's
	scrutiny scrutiny
	seen     vigil // the watchdog's notes; nobody else touches them
}

// step makes a transition. c.mu is held.
func (c *conn) step(e connEvent) bool {
	to, ok := c.state.next(e)
	if !ok {
		c.t.log.Error("impossible event on a connection: this is a bug, please report it",
			zap.Stringer("state", c.state), zap.Uint8("event", uint8(e)))
	}
	c.state = to
	return ok
}

// Read passes bytes on and notices when they begin a request. fasthttp says itself
// when it has the beginning of the next one, see [fastEngine.state].
//
// net/http reads the first byte of the next request while the handler runs, and
// wants four before it goes on. Its bufio.Reader asks for as many bytes as it
// has free: a read for fewer than the first one, between two requests, says that
// the beginning of a request is already in there. See [conn.doneHTTP] for more than four.
func (c *conn) Read(p []byte) (int, error) {
	switch {
	case len(c.ahead.rest) > 0:
		c.pipelined() // nothing, unless a request has ended in the middle of it
		return c.ahead.next(p), nil
	case c.thrifty:
		if len(p) == 1 && c.awaits() {
			return c.readAhead(p)
		}
	case c.room == 0:
		c.room = len(p)
	case len(p) < c.room:
		c.pipelined()
	}
	got, err := c.read(p, false)
	return len(got), err
}

// read returns what has come in and the server may have: of p, or of a buffer
// that was borrowed.
func (c *conn) read(p []byte, borrow bool) (got []byte, err error) {
	if c.scrutiny.barred != nil {
		n, err := c.bar(p)
		return p[:n], err
	}
	for {
		if borrow {
			got, err = c.receiveAhead()
		} else {
			got, err = c.receive(p)
		}
		if n := len(got); n > 0 {
			c.before = c.in.Add(uint64(n)) - uint64(n)
			n, err := c.inspect(got, c.arrived())
			return got[:n], err
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			if errors.As(err, &c.scrutiny.barred) {
				n, err := c.bar(p) // no request, but an answer
				return p[:n], err
			}
			return nil, err
		}
		if again, err := c.expired(err); !again {
			return nil, err
		}
	}
}

// arrived begins a request unless one is under way.
func (c *conn) arrived() reader {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.state {
	case connLeaving:
		// It came just before we would have left.
		_ = c.socket.SetReadDeadline(time.Time{})
		c.from = c.before
		c.begin()
	case connFresh, connIdle:
		c.from = c.before
		c.begin()
	case connActive:
		if c.req.entered {
			return forHandler
		}
	case connMoving, connAnswered, connHijacked, connShared, connClosed:
		return forNobody
	}
	return forServer
}

// expired decides what a read deadline in the past means. An end of file makes
// both servers let go of the connection without writing an error response.
func (c *conn) expired(err error) (again bool, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.state {
	case connLeaving:
		bound := c.mover != nil
		unread, until := !bound && c.readable(), time.Time{}
		if c.tls != nil {
			// Bytes that came may be less than a record, or hold no request.
			unread, until = unread && !c.tls.late.Swap(true), time.Now().Add(recordTime)
		}
		switch part(bound, bound && c.mover.takes(), unread) {
		case partMove:
			c.step(evMove)
		case partServe:
			_ = c.socket.SetReadDeadline(until)
			if bound {
				c.stay()
			}
			return true, nil
		case partClose:
		}
		return false, io.EOF
	case connMoving, connAnswered:
		return false, io.EOF
	case connFresh, connActive, connIdle, connHijacked, connShared, connClosed:
	}
	return false, err // the server's own deadline
}

// readable says whether bytes wait in the kernel, or came and are no whole record yet.
func (c *conn) readable() bool {
	if c.tls != nil && c.tls.partial() {
		return true
	}
	var yes bool
	err := sys.WithFD(c.socket, func(fd int) (err error) {
		yes, err = sys.Readable(fd)
		return err
	})
	return err == nil && yes
}

// Write passes bytes on, unless the watchdog has answered in the handler's place.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.mayWrite(p); err != nil {
		return 0, err
	}
	c.writing.Store(true)
	defer c.writing.Store(false)
	written := 0
	for {
		n, err := c.socket.Write(p[written:min(len(p), written+writeSlice)])
		written += n
		c.out.Add(uint64(n))
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

func (c *conn) mayWrite(p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.state {
	case connAnswered:
		return errAnswered
	case connMoving:
		return errMoved
	case connFresh, connActive, connIdle, connLeaving, connHijacked, connShared, connClosed:
	}
	if !c.req.begun && !interim(p) {
		c.req.begun = true
	}
	return nil
}

// interim says whether p is a response like "100 Continue", after which the
// final one is still open. Both servers write it alone.
func interim(p []byte) bool {
	return len(p) > len("HTTP/1.1 1") && string(p[:len("HTTP/1.")]) == "HTTP/1." && p[len("HTTP/1.1 ")] == '1'
}

// SetReadDeadline is for the servers; it does not move the deadline of a
// connection that has to go.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadlinesLeft > 0 && (c.state == connIdle || c.state == connLeaving) {
		if c.deadlinesLeft--; c.deadlinesLeft == 0 {
			c.arrivedBefore()
		}
	}
	if c.state == connLeaving || c.state == connMoving || c.state == connAnswered {
		return nil
	}
	return c.socket.SetReadDeadline(t)
}

// SetWriteDeadline is for handlers. Clearing a deadline that was never set is free.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() && !c.deadlines.Load() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == connMoving || c.state == connAnswered {
		return nil
	}
	c.deadlines.Store(true)
	return c.socket.SetWriteDeadline(t)
}

// SetDeadline sets both.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Close ends the connection. A moving one is idle, with nothing of the client's
// read and unanswered: it is handed to another worker instead.
func (c *conn) Close() error {
	c.mu.Lock()
	switch c.state {
	case connClosed:
		c.mu.Unlock()
		return net.ErrClosed
	case connMoving:
		m := c.mover
		c.mu.Unlock()
		m.give(c)
		return nil
	case connFresh, connActive, connIdle, connLeaving, connAnswered, connHijacked, connShared:
	}
	last := c.finish()
	c.unreserve(true)
	c.unbind()
	linger := c.req.linger
	answer := c.req.answer
	c.step(evClose)
	c.mu.Unlock()
	c.t.logAccess(last)
	if answer != nil {
		<-answer // it bounds itself
	}
	if linger {
		c.discard()
	}
	if c.doubted {
		_ = c.socket.CloseWrite()
	}
	err := c.socket.Close()
	c.t.remove(c)
	return err
}

// lingerTime and lingerBytes bound how much of a refused request we still take.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// discard reads what the client is still sending: closing with unread input
// makes the kernel send a reset, which may overtake our response.
func (c *conn) discard() {
	if c.socket.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, c.socket, lingerBytes)
	}
}
