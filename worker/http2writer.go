package worker

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

// streamWriter is a handler's writer of a stream. What the handler gives is passed
// on under mu until the watchdog takes the stream, because afterwards the
// server's writer may be in use for another one.
type streamWriter struct {
	c *conn

	mu     sync.Mutex
	w      http.ResponseWriter // nil when it is no longer the handler's
	header http.Header         // the handler's
	begun  bool

	bounded bool // the handler has set a deadline of its own
}

// take takes the server's writer away from the handler.
func (s *streamWriter) take() http.ResponseWriter {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.w
	s.w = nil
	return w
}

// finish is the end of a handler that has returned. What it set after its first
// byte are trailers.
func (s *streamWriter) finish() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.head(http.StatusOK); err != nil {
		return err
	}
	maps.Copy(s.w.Header(), s.header)
	s.w = nil
	return nil
}

// head passes the header on, once. s.mu is held.
func (s *streamWriter) head(status int) error {
	if s.w == nil {
		return errAnswered
	}
	if s.begun {
		return nil
	}
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		if err := s.c.mayWrite(nil); err != nil {
			return err
		}
		s.begun = true
	}
	h := s.w.Header()
	clear(h)
	maps.Copy(h, s.header)
	s.w.WriteHeader(status)
	return nil
}

// Header is the handler's own until it writes.
func (s *streamWriter) Header() http.Header { return s.header }

// WriteHeader passes status and header on.
func (s *streamWriter) WriteHeader(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.head(status)
}

// Write passes the body on, in slices for the same reason as [conn.Write].
func (s *streamWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.head(http.StatusOK); err != nil {
		return 0, err
	}
	s.c.writing.Store(true)
	defer s.c.writing.Store(false)
	written := 0
	for {
		if err := s.c.mayWrite(nil); err != nil {
			return written, err
		}
		n, err := s.w.Write(p[written:min(len(p), written+writeSlice)])
		written += n
		s.c.out.Add(uint64(n)) //nolint:gosec // not negative
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// FlushError is for [http.ResponseController].
func (s *streamWriter) FlushError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.head(http.StatusOK); err != nil {
		return err
	}
	if err := s.c.mayWrite(nil); err != nil {
		return err
	}
	s.c.writing.Store(true)
	defer s.c.writing.Store(false)
	return http.NewResponseController(s.w).Flush()
}

// SetReadDeadline is for [http.ResponseController].
func (s *streamWriter) SetReadDeadline(t time.Time) error {
	return s.control(func(c *http.ResponseController) error { return c.SetReadDeadline(t) })
}

// SetWriteDeadline is for [http.ResponseController].
func (s *streamWriter) SetWriteDeadline(t time.Time) error {
	return s.control(func(c *http.ResponseController) error {
		s.bounded = !t.IsZero()
		return c.SetWriteDeadline(t)
	})
}

// EnableFullDuplex is for [http.ResponseController]: HTTP/2 always is.
func (s *streamWriter) EnableFullDuplex() error { return nil }

func (s *streamWriter) control(f func(*http.ResponseController) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w == nil {
		return errAnswered
	}
	return f(http.NewResponseController(s.w))
}
