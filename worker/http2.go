package worker

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/webchasor/webchasor/internal/config"
)

// shared is what a connection has that speaks HTTP/2. It carries no request of its
// own: its streams do, and each of them is a conn too, see h2stream. The
// connection's mutex guards it.
type shared struct {
	retire  func()               // sends GOAWAY; nil where nobody can, without TLS
	tls     *tls.ConnectionState // of the handshake; nil without TLS
	streams int                  // under way
	retired bool                 // it was asked to go
}

// idle says whether nothing is under way on a connection that was not asked to go.
func (s *shared) idle() bool { return s.streams == 0 && !s.retired }

// protocolTLS is HTTP/2 in ALPN (RFC 9113, 3.2).
const protocolTLS = "h2"

// maxStreams is how many requests a client may have under way on one connection,
// unless the program says otherwise: what RFC 9113 recommends at least (6.5.2).
const maxStreams = 100

// httpServer is net/http with HTTP/2 for clients that ask for it in their TLS
// handshake. net/http itself looks for a bare [tls.Conn], which would hide the
// connection from the watchdog.
type httpServer struct {
	*http.Server
	t         *tracker
	arrived   *arrivals // where connections go on that speak HTTP/1
	protocols *http.Protocols
	limits    *http.HTTP2Config
	preface   time.Duration // for a connection's first bytes
	keepalive bool
}

func newHTTPServer(srv *http.Server, t *tracker, a *arrivals, s config.Settings) *httpServer {
	h := &httpServer{
		Server: srv, t: t, arrived: a, protocols: new(http.Protocols), limits: new(http.HTTP2Config),
		preface: limitsOf(s).fresh, keepalive: s.Keepalive != 0,
	}
	// TLS is below: for net/http these connections have none.
	h.protocols.SetUnencryptedHTTP2(true)
	if srv.HTTP2 != nil {
		*h.limits = *srv.HTTP2
	}
	if h.limits.MaxConcurrentStreams == 0 {
		h.limits.MaxConcurrentStreams = min(maxStreams, s.WorkerConnections+spareStreams)
	}
	if h.limits.WriteByteTimeout == 0 {
		h.limits.WriteByteTimeout = s.WriteTimeout
	}
	if head := int(s.HTTP.LimitRequestHead); head > 0 && (srv.MaxHeaderBytes <= 0 || srv.MaxHeaderBytes > head) {
		srv.MaxHeaderBytes = head // the checker's too, if there is one
	}
	if srv.Protocols != nil && srv.Protocols.UnencryptedHTTP2() {
		srv.HTTP2 = h.limits
	}
	return h
}

// protocolsOf is what ALPN offers. fasthttp has no HTTP/2.
func protocolsOf(e engine) []string {
	h, ok := e.(*httpServer)
	switch {
	case !ok || h.Protocols != nil && !h.Protocols.HTTP2():
		return []string{"http/1.1"}
	case h.Protocols != nil && !h.Protocols.HTTP1():
		return []string{protocolTLS}
	}
	return []string{protocolTLS, "http/1.1"}
}

// Serve accepts until the listener ends. Behind a door with TLS the handshake
// says how a connection goes on.
func (h *httpServer) Serve(l net.Listener) error {
	if d, ok := l.(*door); !ok || !d.tls {
		return h.Server.Serve(l)
	}
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		if c, ok := connOf(nc); ok {
			go h.meet(c)
		}
	}
}

// meet shakes hands with a client.
func (h *httpServer) meet(c *conn) {
	if c.tls.shake() != nil {
		_ = c.Close()
		return
	}
	state := c.tls.ConnectionState()
	if state.NegotiatedProtocol != protocolTLS {
		h.arrived.put(c)
		return
	}
	srv := h.serverFor(c)
	c.share(shared{tls: &state, retire: func() {
		over, cancel := context.WithCancel(context.Background())
		cancel() // nothing is waited for
		_ = srv.Shutdown(over)
	}})
	_ = srv.Serve(&solo{c: c}) // returns at once
}

// serverFor makes a server for one connection, because net/http says GOAWAY
// only to all the connections of a server, which serves no new ones afterwards.
func (h *httpServer) serverFor(c *conn) *http.Server {
	srv := &http.Server{
		Handler: h.Handler, Protocols: h.protocols, HTTP2: h.limits,
		MaxHeaderBytes: h.MaxHeaderBytes, ReadHeaderTimeout: h.preface,
		ErrorLog: h.ErrorLog, BaseContext: h.BaseContext, DisableGeneralOptionsHandler: h.DisableGeneralOptionsHandler,
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ConnState: func(_ net.Conn, s http.ConnState) {
			// A GOAWAY that was ordered before the server knew its connection was lost.
			if s == http.StateIdle && (h.t.leaving.Load() || c.retiring()) {
				c.leave()
			}
		},
	}
	srv.SetKeepAlivesEnabled(h.keepalive)
	return srv
}

// solo is a listener with one connection. Its face has no TLS to net/http, which
// would not look for HTTP/2 otherwise.
type solo struct {
	c    *conn
	gone bool
}

// Accept has one caller, the server.
func (s *solo) Accept() (net.Conn, error) {
	if s.gone {
		return nil, io.EOF
	}
	s.gone = true
	return s.c, nil
}

// Close leaves the connection alone.
func (s *solo) Close() error { return nil }

// Addr is where the client came in.
func (s *solo) Addr() net.Addr { return s.c.LocalAddr() }

// share leaves a connection to HTTP/2.
func (c *conn) share(s shared) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.overlook()
	_ = c.finish() // without TLS the preface has begun a request, which it is not
	if c.state == connLeaving {
		_ = c.socket.SetReadDeadline(time.Time{}) // it has just come to the point
	}
	c.fixed, c.since, c.shared = true, c.t.clock.Now(), &s
	c.step(evShare)
}

// retire asks a connection with HTTP/2 to go: no streams are begun any more, and
// it ends with its last one. Without TLS nobody can send GOAWAY but with a
// response, see [conn.parts], so that an idle one is closed. c.mu is held.
func (c *conn) retire() bool {
	s := c.shared
	switch {
	case s.retire != nil:
		go s.retire() // it takes locks of the server, which may be closing this connection
	case s.streams == 0:
		_ = c.socket.SetReadDeadline(past)
	default:
		return false
	}
	first := !s.retired
	s.retired = true
	return first
}

func (c *conn) retiring() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shared != nil && c.shared.retired
}

// retireShared tells every HTTP/2 client of a draining worker. Without TLS they
// are told by their next response.
func (t *tracker) retireShared() {
	for _, c := range t.conns.snapshot(nil) {
		c.mu.Lock()
		if c.state == connShared && c.shared.retire != nil {
			c.retire()
		}
		c.mu.Unlock()
	}
}
