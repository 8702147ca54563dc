package worker

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// recordTime is how long the rest of a TLS record may take whose beginning
// came when its connection had to go.
const recordTime = time.Second

// tlsSocket is a TLS connection in the place of a socket. What is read and
// written here is plain text. It never moves to another worker: the
// state of its ciphers is in this process.
type tlsSocket struct {
	*tls.Conn
	wire    *wire
	log     *zap.Logger
	dropped atomic.Bool // closes without a word to the client
	late    atomic.Bool // it was given recordTime since the last plain text
	open    atomic.Bool // the handshake is done
}

// wire is what is below TLS. It knows whether a record has begun to come.
type wire struct {
	socket
	begun atomic.Bool // bytes came and no plain text since
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.socket.Read(p)
	if n > 0 {
		w.begun.Store(true)
	}
	return n, err
}

// secure puts TLS on a raw connection. Nothing is read or written yet: the
// handshake comes with the first read, in the goroutine that serves the connection.
func secure(s socket, v *vault, log *zap.Logger) *tlsSocket {
	w := &wire{socket: s}
	return &tlsSocket{Conn: tls.Server(w, v.current.Load()), wire: w, log: log}
}

// Read reads plain text. A handshake that fails is the end of the file, which
// makes both servers let go without writing.
func (t *tlsSocket) Read(p []byte) (int, error) {
	if err := t.shake(); err != nil {
		return 0, io.EOF
	}
	n, err := t.Conn.Read(p)
	if n > 0 {
		t.wire.begun.Store(false)
		t.late.Store(false)
	}
	return n, err
}

// shake does the handshake, once. A read deadline ends it for good.
func (t *tlsSocket) shake() error {
	if t.open.Load() {
		return nil
	}
	err := t.Handshake() //nolint:noctx // header_timeout ends it, by its deadline
	if err == nil {
		t.wire.begun.Store(false)
		t.open.Store(true)
		return nil
	}
	var plain tls.RecordHeaderError
	if errors.As(err, &plain) && plain.Conn != nil && speaksHTTP(plain.RecordHeader) {
		t.refusePlain()
		t.log.Debug("plain HTTP came where TLS is spoken", zap.String("client", clientOf(t.wire)))
	} else if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.log.Debug("TLS handshake failed", zap.String("client", clientOf(t.wire)), zap.Error(err))
	}
	return err
}

// speaksHTTP says whether a connection that should begin with a TLS record
// began with a request. net/http looks for the same.
func speaksHTTP(head [5]byte) bool {
	switch string(head[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH":
		return true
	}
	return false
}

// plainRefusal is the answer to plain HTTP.
var plainRefusal = strings.Join([]string{
	"HTTP/1.1 400 Bad Request", "Content-Type: text/plain; charset=utf-8", "Connection: close", "", "This address speaks TLS: use https://\n",
}, "\r\n")

// refusePlain answers and takes what the client is still sending, so that no
// reset overtakes the answer.
func (t *tlsSocket) refusePlain() {
	if t.wire.SetDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	if _, err := t.wire.Write([]byte(plainRefusal)); err == nil && t.wire.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, t.wire, lingerBytes)
	}
}

// SyscallConn is the raw connection's, for those who look at the descriptor.
func (t *tlsSocket) SyscallConn() (syscall.RawConn, error) { return t.wire.SyscallConn() }

// CloseWrite says goodbye and ends our direction. It may block for five
// seconds, see [tls.Conn.CloseWrite].
func (t *tlsSocket) CloseWrite() error {
	return errors.Join(t.Conn.CloseWrite(), t.wire.CloseWrite())
}

// Close says goodbye, unless the connection was dropped.
func (t *tlsSocket) Close() error {
	if t.dropped.Load() {
		return t.wire.Close()
	}
	return t.Conn.Close()
}

// partial says whether a record has begun to come. Its rest gets recordTime once.
func (t *tlsSocket) partial() bool { return t.open.Load() && t.wire.begun.Load() }

// beneath is the connection without TLS.
func (c *conn) beneath() socket {
	if c.tls != nil {
		return c.tls.wire.socket
	}
	return c.socket
}

// drop returns the connection without TLS, to be cut off: no goodbye will say
// to the client that it has everything.
func (c *conn) drop() socket {
	if c.tls != nil {
		c.tls.dropped.Store(true)
	}
	return c.beneath()
}

// secureConn is a connection with TLS as the servers see it: they ask by these
// methods.
type secureConn struct{ *conn }

// Handshake is for fasthttp.
func (s secureConn) Handshake() error { return s.tls.shake() }

// ConnectionState says what was agreed on.
func (s secureConn) ConnectionState() tls.ConnectionState { return s.tls.ConnectionState() }

// face is what a server gets to see of a connection.
func (c *conn) face() net.Conn {
	if c.tls != nil {
		return secureConn{c}
	}
	return c
}

// connOf is what a server shows us again.
func connOf(nc net.Conn) (*conn, bool) {
	switch c := nc.(type) {
	case *conn:
		return c, true
	case secureConn:
		return c.conn, true
	}
	return nil, false
}
