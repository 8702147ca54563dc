package worker

import (
	"cmp"
	"net"

	"github.com/webchasor/webchasor/internal/logs"
)

// accessLine is a connection's next line in the access log. One is reused for
// all requests of the connection, which come one after the other.
type accessLine struct {
	logs.Record
	peer string // who the client is unless a proxy says more
	buf  []byte
}

// line returns the connection's access line, empty but for what never changes;
// nil when the log is off. Only the goroutine that serves the connection calls it.
func (c *conn) line() *accessLine {
	if c.t.access == nil {
		return nil
	}
	if c.access == nil {
		c.access = &accessLine{Record: logs.Record{PID: c.t.pid, Slot: c.t.slot}, peer: hostOf(c.RemoteAddr())}
	}
	c.access.Remote = cmp.Or(c.client.said, c.access.peer)
	return c.access
}

// texts fills in what the request said, with one allocation.
func (l *accessLine) texts(method, uri, proto, referer, agent, id []byte) {
	l.buf = l.buf[:0]
	for _, text := range [...][]byte{method, uri, proto, referer, agent, id} {
		l.buf = append(l.buf, text...)
	}
	rest := string(l.buf)
	next := func(text []byte) (s string) {
		s, rest = rest[:len(text)], rest[len(text):]
		return s
	}
	l.Method, l.URI, l.Proto = next(method), next(uri), next(proto)
	l.Referer, l.UserAgent, l.RequestID = next(referer), next(agent), next(id)
}

// hostOf is the peer's address without the port; unix sockets have none.
func hostOf(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.IP.String()
	}
	return ""
}
