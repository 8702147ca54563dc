package worker

import (
	"context"
	"time"
)

// exchange is one request and its response. The connection's mutex guards it.
type exchange struct {
	id      uint64 // 0 before the first
	open    bool   // from the first byte until it is finished
	entered bool   // the handler was called
	begun   bool   // a byte of the response was given to the socket
	stream  bool   // the response is made while it is sent
	counted bool   // it is in the totals
	linger  bool   // the client may still be sending
	status  int    // 0 until known
	route   uint8  // the ledger's number for its path
	start   time.Duration
	sent    uint64 // conn.out at the start

	cause   error         // why the watchdog ended it, if it did
	cutAt   time.Duration // when the grace for a last word ends; 0 without
	answer  chan struct{} // closed when the watchdog's response is written; nil without
	ctx     context.Context
	cancel  context.CancelCauseFunc
	watched bool // the client is watched for a hang-up

	refused int         // the status of the watchdog's response, if it gave one
	access  *accessLine // prepared when the handler returns and the log is on
}

// unknownSize marks a body that is counted while it is sent.
const unknownSize = -1

// begin starts an exchange. c.mu is held.
func (c *conn) begin() {
	now := c.t.clock.Now()
	c.deadlinesLeft = 0
	c.step(evRequest)
	c.unbind()
	c.since, c.spoke = now, true
	c.req = exchange{id: c.t.ids.Add(1), open: true, start: now, sent: c.out.Load()}
	c.entry.Begin(c.req.id, now)
}

// pipelined begins a request that came together with the one before.
func (c *conn) pipelined() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != connActive {
		c.from += c.size
	}
	c.arrivedBefore()
}

// followed says whether more bytes have been read than the request under way
// has, of the given size: the client sends ahead. Size 0 is unknown, and all
// that was read counts as this request's.
func (c *conn) followed(size uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.in.Load() - c.from
	if size == 0 {
		size = all
	}
	c.size = size
	return all > size
}

// arrivedBefore is pipelined with c.mu held.
func (c *conn) arrivedBefore() {
	switch c.state {
	case connLeaving:
		_ = c.socket.SetReadDeadline(time.Time{})
		c.begin()
	case connFresh, connIdle:
		c.begin()
	case connActive, connMoving, connAnswered, connHijacked, connShared, connClosed:
	}
}

// enter says that the handler is about to run; false means that it must not,
// because the watchdog has answered already.
func (c *conn) enter(route uint8) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == connAnswered {
		return false
	}
	c.entered++
	c.req.entered, c.req.route = true, route
	return true
}

// result notes what the handler made of the request. It returns whether the
// connection has to close after it.
func (c *conn) result(status int, access *accessLine) (closing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.req.status, c.req.access = status, access
	return c.state == connAnswered
}

// done is the end of a response on a connection that stays.
func (c *conn) done() {
	c.mu.Lock()
	last := c.finish()
	if c.step(evDone) && c.state == connIdle {
		c.since = last.end
		if m := c.t.mover.Load(); m != nil {
			c.depart(m)
		}
	}
	c.mu.Unlock()
	c.t.logAccess(last)
}

// hijacked is the end of our part in the connection. Like a stream, it has until
// stream_timeout in a drain.
func (c *conn) hijacked() {
	c.mu.Lock()
	last := c.finish()
	if c.step(evHijack) && c.state == connHijacked {
		c.entry.Hijack(last.end)
	}
	c.mu.Unlock()
	c.t.logAccess(last)
}

// ending is what is left of an exchange after it finished.
type ending struct {
	access *accessLine
	end    time.Duration
}

// finish closes the books on the exchange, once. c.mu is held.
func (c *conn) finish() ending {
	now := c.t.clock.Now()
	r := &c.req
	if !r.open {
		return ending{end: now}
	}
	r.open = false
	c.endContext(ErrFinished)
	c.unreserve(false)
	c.entry.End(now)
	sent := c.out.Load() - r.sent
	if !r.counted {
		c.count(r.status, sent, now)
	}
	if r.access != nil {
		c.complete(r.access, sent, now)
	}
	return ending{access: r.access, end: now}
}

// complete fills in what only the end of the exchange knows. c.mu is held.
func (c *conn) complete(l *accessLine, sent uint64, now time.Duration) {
	r := &c.req
	l.Time, l.Duration, l.Status = c.t.clock.At(r.start), now-r.start, r.status
	if r.refused != 0 {
		l.Status, l.Bytes = r.refused, int64(len(refusals[refusal{r.refused, r.cause}]))
	}
	if l.Bytes == unknownSize {
		l.Bytes = int64(sent) // with the header: nobody counted the body alone
	}
}

// count puts the exchange into the totals. c.mu is held.
func (c *conn) count(status int, sent uint64, now time.Duration) {
	r := &c.req
	r.counted = true
	if status == 0 && !r.entered {
		return // a connection that ended before its request was complete
	}
	c.t.totals.Request(r.route, status, sent, now-r.start)
	c.t.onFinished()
}
