package worker

import (
	"net"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/logs"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/internal/transfer"
)

// tracker is what all connections of a worker share.
type tracker struct {
	clock    sys.Clock
	board    *scoreboard.Board
	totals   totals
	log      *zap.Logger
	access   *logs.Access // nil when off
	hangups  *hangups
	conns    registry
	ids      atomic.Uint64
	refused  refusedShapes
	leaving  atomic.Bool // the worker drains: responses of what cannot move carry it
	entrance *entrance   // nil when all its settings are off
	proxy    config.Proxy
	thrifty  bool // the server waits for requests without a buffer, see ahead
	exit

	admit     func(*h2stream) bool // makes room for a stream
	dismiss   func(*h2stream)      // gives its room back
	release   func(*conn)          // gives the connection's permit back
	recycler  recycler
	pid, slot int
}

// add wraps an accepted connection; false if the scoreboard is full.
func (t *tracker) add(s socket) (*conn, bool) {
	t.totals.slot.Accepted()
	return t.wrap(t.greeted(s), connFresh, t.clock.Now())
}

// addSecure is add for a connection whose client speaks TLS, behind the header of a balancer.
func (t *tracker) addSecure(s socket, v *vault) (*conn, bool) {
	t.totals.slot.Accepted()
	return t.wrap(secure(t.greeted(s), v, t.log), connFresh, t.clock.Now())
}

// expect wraps a connection that another worker gives away, and enters it in the
// table, but it is not ours yet: [tracker.join] or [tracker.decline] follows. The
// time it has been idle counts on.
func (t *tracker) expect(s socket, r transfer.Record) (*conn, bool) {
	state := connFresh
	if r.Spoke {
		state = connIdle
	}
	return t.enter(greetedBefore(s, r), state, min(r.Since, t.clock.Now()))
}

// decline forgets a connection that stays another worker's. Closing our copy tells
// the client nothing, and its permit is still the caller's.
func (t *tracker) decline(c *conn) {
	t.board.Release(c.index)
	_ = c.socket.Close()
}

func (t *tracker) wrap(s socket, state connState, since time.Duration) (*conn, bool) {
	c, ok := t.enter(s, state, since)
	if ok {
		t.join(c)
	}
	return c, ok
}

// enter wraps a connection and enters it in the table. Nothing reads, writes or
// closes it by itself yet.
func (t *tracker) enter(s socket, state connState, since time.Duration) (*conn, bool) {
	index, entry, ok := t.board.Acquire()
	if !ok {
		return nil, false
	}
	c := &conn{socket: s, t: t, entry: entry, index: index, since: since, state: state, spoke: state == connIdle, thrifty: t.thrifty}
	c.tls, _ = s.(*tlsSocket)
	c.stream, _ = s.(*h2stream)
	c.fixed = c.tls != nil || c.stream != nil
	c.seen.at = t.clock.Now()
	c.scrutinize()
	c.introduce(since)
	return c, true
}

// join makes a connection one of ours, to be watched, counted and moved.
func (t *tracker) join(c *conn) {
	c.entry.Confirm()
	t.conns.add(c)
	if m := t.mover.Load(); m != nil && m.drains {
		c.departFor(m) // it came just as the drain began
	}
}

// remove forgets a closed connection.
func (t *tracker) remove(c *conn) {
	t.board.Release(c.index)
	if c.stream != nil {
		c.stream.left(t.clock.Now())
		t.dismiss(c.stream)
	} else {
		t.release(c)
	}
	t.conns.remove(c)
}

func (t *tracker) onFinished() { t.recycler.finished() }

// logAccess writes the access line of a finished exchange, if it has one.
func (t *tracker) logAccess(e ending) {
	if e.access != nil {
		t.access.Log(e.access.Record)
	}
}

// clientOf names the peer; unix sockets have no name worth showing.
func clientOf(c net.Conn) string {
	if a := c.RemoteAddr(); a != nil && a.Network() != "unix" {
		return a.String()
	}
	return "unix"
}
