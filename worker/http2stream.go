package worker

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/strict"
)

// spareStreams is how many streams a worker has room for beyond what its
// connections leave of worker_connections. The scoreboard has more entries than that.
const spareStreams = 32

// h2stream is a stream of an HTTP/2 connection where conn expects a socket. Each stream
// is tracked like a connection with one request: it has its line in the
// scoreboard and in the access log, a drain waits for it, and the watchdog can
// answer it or break it off, all without touching the other streams.
type h2stream struct {
	peer   *conn // whose stream it is
	permit bool  // it has one of the gate's, not a spare one

	answers chan string   // the watchdog's response
	broken  chan struct{} // closed when the stream is cut off
	once    sync.Once
}

// overStream serves a request that came in a stream. The handler has a goroutine
// of its own: a stream ends when this function returns, and the watchdog can
// end a stream whose handler does not return.
func (e *httpEngine) overStream(peer *conn, w http.ResponseWriter, r *http.Request) {
	c, ok := e.t.addStream(peer)
	if !ok {
		write(w, crowdedStream)
		e.lastBytes(w)
		return
	}
	s := c.stream
	if why := oversized(r, &e.t.entrance.limits); why != strict.OK {
		c.entry.Describe(r.Method, r.URL.Path)
		c.mu.Lock()
		c.deny(denials[why])
		c.mu.Unlock()
		write(w, <-s.answers)
		e.lastBytes(w)
		_ = c.Close()
		return
	}
	c.expectBody(r)
	if p, ok := peer.beneath().(*proxied); ok {
		r.RemoteAddr = p.RemoteAddr().String() // net/http asked before the first byte
	}
	sw := &streamWriter{c: c, w: w, header: make(http.Header)}
	done := make(chan bool, 1)
	go func() {
		aborted := true
		defer func() {
			if aborted {
				_ = recover() // httpEngine has logged what it was
			}
			done <- aborted
		}()
		e.ServeHTTP(sw, r.WithContext(context.WithValue(r.Context(), connKey{}, c)))
		aborted = false
	}()
	select {
	case aborted := <-done:
		defer func() { _ = c.Close() }()
		switch {
		case !c.conclude():
			s.end(w, sw)
		case aborted, sw.finish() != nil:
			panic(http.ErrAbortHandler)
		}
		if !sw.bounded {
			e.lastBytes(w)
		}
		return
	case text := <-s.answers:
		s.answers <- text
	case <-s.broken:
	}
	go func() {
		<-done
		_ = c.Close()
	}()
	s.end(w, sw)
	e.lastBytes(w)
}

// end ends a stream that the watchdog has taken from its handler, which may
// still run.
func (s *h2stream) end(w http.ResponseWriter, sw *streamWriter) {
	select {
	case text := <-s.answers:
		write(sw.take(), text)
	case <-s.broken:
		// net/http resets a stream whose handler panics, but behind what the stream still has to
		// send, and a client that takes nothing of that would never hear of it. A deadline goes before it.
		_ = http.NewResponseController(w).SetWriteDeadline(past)
		panic(http.ErrAbortHandler)
	}
}

// lastBytes gives a client write_timeout for what net/http still has to send when our part in
// a response is over: nobody else watches that.
func (e *httpEngine) lastBytes(w http.ResponseWriter) {
	if e.write > 0 {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(e.write))
	}
}

// conclude says whether a handler that has returned may end its response: not if
// the watchdog has just ended it.
func (c *conn) conclude() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == connAnswered {
		return false
	}
	c.req.begun = true
	return true
}

// addStream tracks a stream; false if there is no room.
func (t *tracker) addStream(peer *conn) (*conn, bool) {
	s := &h2stream{peer: peer, answers: make(chan string, 1), broken: make(chan struct{})}
	if !t.admit(s) {
		return nil, false
	}
	c, ok := t.wrap(s, connFresh, t.clock.Now())
	if !ok {
		t.dismiss(s)
		return nil, false
	}
	peer.mu.Lock()
	peer.shared.streams++
	peer.mu.Unlock()
	c.mu.Lock()
	c.begin()
	c.mu.Unlock()
	return c, true
}

// left notes on its connection that a stream has ended.
func (s *h2stream) left(now time.Duration) {
	s.peer.mu.Lock()
	defer s.peer.mu.Unlock()
	s.peer.shared.streams--
	s.peer.since = now
}

// crowdedStream refuses a stream for which there is no room.
var crowdedStream = refuse("503 Service Unavailable", "The server is busy. Please try again.", "server_error", "overloaded")

// write gives a response that has the form of HTTP/1.
func write(w http.ResponseWriter, text string) {
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
	if err != nil {
		panic(http.ErrAbortHandler) // the texts are ours
	}
	defer resp.Body.Close()
	h := w.Header()
	clear(h)
	for name, values := range resp.Header {
		if name != "Connection" { // that would mean GOAWAY
			h[name] = values
		}
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// The socket's side, for conn and the watchdog.

// Read is called by nobody but who wants to know that nothing is left.
func (s *h2stream) Read([]byte) (int, error) { return 0, io.EOF }

// Write takes the watchdog's response.
func (s *h2stream) Write(p []byte) (int, error) {
	select {
	case s.answers <- string(p):
		return len(p), nil
	default:
		return 0, errAnswered
	}
}

// SetDeadline in the past breaks the stream off, see [conn.cut].
func (s *h2stream) SetDeadline(t time.Time) error {
	if t.Equal(past) {
		s.once.Do(func() { close(s.broken) })
	}
	return nil
}

func (s *h2stream) CloseWrite() error                { return nil }
func (s *h2stream) Close() error                     { return nil }
func (s *h2stream) SetReadDeadline(time.Time) error  { return nil }
func (s *h2stream) SetWriteDeadline(time.Time) error { return nil }
func (s *h2stream) LocalAddr() net.Addr              { return s.peer.LocalAddr() }
func (s *h2stream) RemoteAddr() net.Addr             { return s.peer.RemoteAddr() }

var errNoSocket = errors.New("a stream of HTTP/2 has no socket of its own")

func (s *h2stream) SyscallConn() (syscall.RawConn, error) { return nil, errNoSocket }
