package worker

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// responseWriter notes status and size, and closes the connection of a worker
// that drains. HTTP/1's writer can flush, hijack and read from a file; so can this.
type responseWriter struct {
	http.ResponseWriter
	c       *conn
	status  int // 0 until the header is written
	written int64
	flushed bool
}

// WriteHeader passes the status on. The last word on Connection is ours.
func (w *responseWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.head(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseWriter) head(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	if w.c.parts() && status != http.StatusSwitchingProtocols {
		w.Header().Set("Connection", "close")
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.head(http.StatusOK)
	n, err := w.ResponseWriter.Write(p)
	w.written += int64(n)
	return n, err
}

// WriteString avoids a copy.
func (w *responseWriter) WriteString(s string) (int, error) {
	w.head(http.StatusOK)
	n, err := io.WriteString(w.ResponseWriter, s)
	w.written += int64(n)
	return n, err
}

// ReadFrom lets net/http choose its buffer.
func (w *responseWriter) ReadFrom(r io.Reader) (int64, error) {
	w.head(http.StatusOK)
	n, err := io.Copy(w.ResponseWriter, r)
	w.written += n
	return n, err
}

// Flush sends what is buffered.
func (w *responseWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for [http.ResponseController]. A handler that flushes makes its
// response while it is sent: it is a stream.
func (w *responseWriter) FlushError() error {
	w.head(http.StatusOK)
	if !w.flushed {
		w.flushed = true
		w.c.streaming()
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack takes the connection over.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil && w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	return nc, rw, err
}

// Unwrap is for [http.ResponseController].
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// fail answers for a handler that panicked; false if a response has begun.
func (w *responseWriter) fail() bool {
	if w.status != 0 {
		return false
	}
	h := w.Header()
	clear(h)
	h.Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusInternalServerError)
	_, err := io.WriteString(w, panicBody)
	return err == nil
}
