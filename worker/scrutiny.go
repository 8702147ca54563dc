package worker

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/strict"
)

// scrutiny is what a connection knows about the form of its incoming bytes. It
// belongs to the goroutine that reads, but for the atomics.
type scrutiny struct {
	strict.Checker
	blind  bool    // nothing is looked at any more
	barred *denial // why nothing is read any more

	// net/http reads a byte while a handler runs, to see a client go, and an
	// application that takes the connection over may read before its server
	// says so. Which of them it was shows later: one byte is kept until
	// then, more are not looked at and end a connection that goes on with HTTP.
	early   [1]byte
	kept    bool // early has a byte
	unknown bool // there were more

	reserved int64 // of the worker's memory for bodies; guarded by conn.mu

	inBody  atomic.Bool   // the head is complete and the body is not
	opaque  atomic.Bool   // where heads end is not known
	waited  atomic.Int64  // how long the body was waited for, a time.Duration
	waiting atomic.Int64  // since when it is now, by the tracker's clock; 0 while it is not
	began   atomic.Uint64 // conn.in at its beginning
}

// reader says for whom bytes have come.
type reader uint8

const (
	forServer  reader = iota // a head, or a body that fasthttp reads
	forHandler               // the same while a handler runs
	forNobody                // the application's own protocol, or a dead exchange
)

// scrutinize prepares a connection on which nothing was read that is not answered.
func (c *conn) scrutinize() {
	if e := c.t.entrance; e != nil && c.stream == nil {
		c.scrutiny.Checker = *strict.New(&e.limits)
	} else {
		c.overlook()
	}
}

// overlook ends the scrutiny of a connection.
func (c *conn) overlook() {
	c.scrutiny.blind = true
	c.scrutiny.inBody.Store(false)
	c.scrutiny.opaque.Store(true)
}

// receive reads from the socket and takes the time while a body is due.
func (c *conn) receive(p []byte) ([]byte, error) {
	s := &c.scrutiny
	if !s.inBody.Load() {
		n, err := c.socket.Read(p)
		return p[:n], err
	}
	start := c.t.clock.Now()
	s.waiting.Store(int64(start))
	n, err := c.socket.Read(p)
	s.waiting.Store(0)
	s.waited.Add(int64(c.t.clock.Now() - start))
	return p[:n], err
}

// inspect looks at bytes that have come in and returns how many the server gets.
func (c *conn) inspect(p []byte, who reader) (int, error) {
	s := &c.scrutiny
	if s.blind || who == forNobody {
		return len(p), nil
	}
	if who == forHandler && s.Between() {
		s.unknown = s.unknown || s.kept || len(p) > 1
		s.early[0], s.kept = p[0], true
		return len(p), nil
	}
	n, why := c.check(p, who)
	switch {
	case why == strict.OK:
		if d := c.follow(); d != nil {
			s.barred = d
			return c.bar(p)
		}
		return n, nil
	case !c.t.entrance.forms && !why.Limit():
		c.overlook()
		return len(p), nil
	}
	s.barred = denials[why]
	if n > 0 {
		return n, nil // requests before it, and a beginning; the next read tells
	}
	return c.bar(p)
}

// check feeds the checker with what it has not seen yet.
func (c *conn) check(p []byte, who reader) (n int, why strict.Reason) {
	s := &c.scrutiny
	if who == forServer {
		s.Proceed()
	}
	if s.unknown {
		return 0, strict.EarlyBytes
	}
	if s.kept {
		s.kept = false
		if _, why := s.Feed(s.early[:]); why != strict.OK {
			return 0, why
		}
	}
	return s.Feed(p)
}

// follow notes how far the request has come and reserves memory for its body.
func (c *conn) follow() *denial {
	s := &c.scrutiny
	if !s.InBody() {
		if s.inBody.Load() {
			s.inBody.Store(false)
		} else if s.Foreign() {
			c.share(shared{})
		}
		return nil
	}
	if !s.inBody.Load() {
		s.waited.Store(0)
		s.began.Store(c.in.Load())
		s.inBody.Store(true)
	}
	size, b := s.Body(), &c.t.entrance.bodies
	if b.limit == 0 || size <= smallBody {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if more := size - s.reserved; more > 0 {
		if !b.take(more) {
			return crowded
		}
		s.reserved = size
	}
	return nil
}

// unreserve gives the memory of a finished exchange's body back. That of a
// pipelined request which is already being read stays. c.mu is held.
func (c *conn) unreserve(closing bool) {
	s := &c.scrutiny
	if s.reserved != 0 && (closing || !s.inBody.Load()) {
		c.t.entrance.bodies.give(s.reserved)
		s.reserved = 0
	}
}

// bar ends reading. The client gets the refusal, unless its response has begun;
// a handler that reads the body gets an error.
func (c *conn) bar(p []byte) (int, error) {
	d := c.scrutiny.barred
	c.mu.Lock()
	running := c.state == connActive && c.req.entered
	// net/http begins its look just before it calls the handler.
	about := c.state == connActive && !c.thrifty && c.scrutiny.Requests() > c.entered
	if (running || about) && !c.scrutiny.BrokenBody() && len(p) == 1 {
		c.mu.Unlock()
		return c.outlook(p)
	}
	defer c.mu.Unlock()
	switch c.state {
	case connHijacked, connShared:
		return 0, d
	case connFresh, connIdle, connLeaving:
		c.arrivedBefore()
	case connActive, connMoving, connAnswered, connClosed:
	}
	if c.state != connActive {
		return 0, io.EOF
	}
	if !c.req.begun && (!running || c.scrutiny.BrokenBody()) {
		c.deny(d)
	}
	switch {
	case !running:
		return 0, io.EOF // the server lets go without a word
	case d == denials[strict.BodyTooLarge]:
		return 0, &http.MaxBytesError{Limit: c.t.entrance.limits.Body}
	}
	return 0, d
}

// deny answers in the server's and the handler's place. c.mu is held.
func (c *conn) deny(d *denial) {
	c.t.log.Debug("request refused", zap.String("client", clientOf(c.socket)), zap.String("reason", d.reason))
	now, r := c.t.clock.Now(), &c.req
	r.linger, r.refused, r.cause = true, d.status, d
	c.step(evAnswer)
	c.since = now
	c.count(d.status, uint64(len(d.text)), now)
	c.endContext(d)
	r.answer = make(chan struct{})
	go c.reply(d.text, r.answer)
}

// outlook is net/http's look whether the client of a running handler is still
// there, although what follows the request was refused: that must not end the
// request before it. A byte that comes is replaced: none of the client's may
// complete what the server has of the refused request.
func (c *conn) outlook(p []byte) (int, error) {
	n, err := c.socket.Read(p)
	if n > 0 {
		p[0] = 'x'
	}
	return n, err
}

// arrival is how long a client has taken to send what is due. c.mu is held.
func (c *conn) arrival(now time.Duration) (head, body time.Duration, bytes uint64) {
	s := &c.scrutiny
	switch {
	case c.state != connActive || s.opaque.Load():
	case s.inBody.Load():
		body = time.Duration(s.waited.Load())
		if since := s.waiting.Load(); since != 0 {
			body += now - time.Duration(since)
		}
		bytes = c.in.Load() - s.began.Load()
	case !c.req.entered:
		head = now - c.since
	}
	return head, body, bytes
}

// owes says whether the exchange waits for its client's body.
func (c *conn) owes() bool { return c.scrutiny.waiting.Load() != 0 }
