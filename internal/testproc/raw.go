package testproc

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

// Raw is a TCP connection for what no well-behaved client does.
type Raw struct {
	t    T
	conn *net.TCPConn
	br   *bufio.Reader
}

// Dial connects; the test's cleanup closes the connection. Every operation on
// it is bounded by [Patience].
func Dial(t T, addr string) *Raw {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, Patience)
	if err != nil {
		t.Fatalf("cannot connect to %s: %v", addr, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(2 * Patience))
	return &Raw{t: t, conn: conn.(*net.TCPConn), br: bufio.NewReader(conn)}
}

// Send writes text as it is.
func (r *Raw) Send(text string) {
	r.t.Helper()
	if _, err := io.WriteString(r.conn, text); err != nil {
		r.t.Fatalf("cannot send: %v", err)
	}
}

// TrySend writes text to whoever may be gone.
func (r *Raw) TrySend(text string) { _, _ = io.WriteString(r.conn, text) }

// Answer reads one whole response.
func (r *Raw) Answer() Result {
	if err := answerBegan(r.br); err != nil {
		return Result{Err: err, Outcome: classify(err, false, false)}
	}
	resp, err := http.ReadResponse(r.br, nil)
	if err != nil {
		return Result{Err: err, Outcome: classify(err, false, true)}
	}
	res := Result{Status: resp.StatusCode, Header: resp.Header, Closing: resp.Close, Outcome: OK}
	body, err := io.ReadAll(resp.Body)
	res.Body = string(body)
	if err != nil {
		res.Err, res.Outcome = err, classify(err, false, true)
	} else if resp.StatusCode/100 != 2 {
		res.Outcome = Status
	}
	return res
}

// ExpectEOF reads to the end and fails the test when a byte comes, the
// connection is reset, or it does not end within the given time.
func (r *Raw) ExpectEOF(within time.Duration) {
	r.t.Helper()
	_ = r.conn.SetReadDeadline(time.Now().Add(within))
	rest, err := io.ReadAll(r.br)
	if err != nil || len(rest) > 0 {
		r.t.Errorf("want a clean end of the connection, got %.200q and %v", rest, err)
	}
}

// HalfClose sends FIN and keeps reading.
func (r *Raw) HalfClose() { _ = r.conn.CloseWrite() }

// Reset closes with RST instead of FIN (SO_LINGER 0, socket(7)).
func (r *Raw) Reset() {
	_ = r.conn.SetLinger(0)
	_ = r.conn.Close()
}

// Close closes with FIN.
func (r *Raw) Close() { _ = r.conn.Close() }

// LocalAddr is the client's end, as the server's in-flight table names it.
func (r *Raw) LocalAddr() string { return r.conn.LocalAddr().String() }

// Request is the text of a GET for Send.
func Request(path string) string { return requestText(http.MethodGet, path, "") }

// Refuses reports whether a new connection to addr is refused.
func Refuses(network, addr string) bool {
	conn, err := net.DialTimeout(network, addr, Patience)
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}
