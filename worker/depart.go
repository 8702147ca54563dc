package worker

import (
	"time"

	"github.com/webchasor/webchasor/internal/transfer"
)

// depart asks a connection that has just become idle to leave for another
// worker, if there is room. c.mu is held.
func (c *conn) depart(m *mover) bool {
	if !c.state.free() || c.fixed || m.room() <= 0 || !c.step(evLeave) {
		return false
	}
	m.claimed.Add(1)
	c.mover = m
	_ = c.socket.SetReadDeadline(past)
	return true
}

func (c *conn) departFor(m *mover) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.depart(m)
}

// parts reports whether a response has to say that the connection closes: the
// worker drains, and nobody else gets it.
func (c *conn) parts() bool {
	return c.t.draining.Load() || (c.tls != nil || c.stream != nil) && c.t.leaving.Load()
}

// unbind ends the claim of a mover. c.mu is held.
func (c *conn) unbind() {
	if c.mover != nil {
		c.mover.claimed.Add(-1)
		c.mover = nil
	}
}

// stay keeps a connection here that was asked to leave. c.mu is held.
func (c *conn) stay() {
	c.step(evStay)
	c.unbind()
}

// returned prepares a moving connection to be served here again.
func (c *conn) returned() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stay()
	c.room = 0
	_ = c.socket.SetReadDeadline(time.Time{})
}

// taken forgets a connection that is another worker's now. Closing our copy
// tells the client nothing.
func (c *conn) taken() {
	c.mu.Lock()
	c.step(evClose)
	c.unbind()
	c.mu.Unlock()
	_ = c.socket.Close()
	c.t.remove(c)
}

// recordOf is what the next owner is told.
func (c *conn) recordOf() transfer.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := transfer.Record{Since: c.since, Spoke: c.spoke}
	if p, ok := c.beneath().(*proxied); ok {
		p.note(&r)
	}
	return r
}
