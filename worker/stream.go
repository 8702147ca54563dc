package worker

import (
	"bufio"
	"context"
	"errors"
	"io"
	"runtime/debug"

	"github.com/valyala/fasthttp"
)

// errStreamPanic breaks a stream off whose function panicked.
var errStreamPanic = errors.New("the stream function panicked")

// StreamWriter writes a response that is made while it is sent. Data is
// buffered until Flush or until 4 KiB are full; each buffer becomes one chunk.
// It belongs to the stream function's goroutine and is dead after it returned.
// Every method blocks while the client is slower; after the client has
// gone, or the watchdog has ended the exchange, each returns an error.
type StreamWriter struct{ buf *bufio.Writer }

// Write buffers p.
func (w *StreamWriter) Write(p []byte) (int, error) { return w.buf.Write(p) }

// WriteString buffers s.
func (w *StreamWriter) WriteString(s string) (int, error) { return w.buf.WriteString(s) }

// Flush hands what is buffered to the connection.
func (w *StreamWriter) Flush() error { return w.buf.Flush() }

// Stream makes fn write the body of the response that ctx is for, with chunked
// encoding. Call it as the handler's last act: status and headers must be set,
// and ctx must not be used in fn.
//
// fn runs in its own goroutine after the handler has returned, and not at all
// if the response has no body (HEAD). Its context is the request's, see
// [RequestContext], and lives until fn has returned; the request counts as
// under way until then. When the context ends with [ErrTimeout] or [ErrDraining],
// fn has a second to write a terminal event and return.
//
// nil ends the response properly. An error or a panic breaks it off: the
// connection closes without the last chunk, so that the client can tell.
func Stream(ctx *fasthttp.RequestCtx, fn func(ctx context.Context, w *StreamWriter) error) {
	s := &stream{ctx: RequestContext(ctx), fn: fn, done: make(chan struct{})}
	if c, ok := connOf(ctx.Conn()); ok {
		s.c, s.method, s.path = c, string(ctx.Method()), string(ctx.Path())
		c.streaming()
	}
	s.r, s.w = io.Pipe()
	ctx.Response.SetBodyStream(s, -1)
}

// stream is the body that fasthttp reads.
type stream struct {
	ctx          context.Context
	fn           func(context.Context, *StreamWriter) error
	c            *conn // nil outside a worker
	method, path string
	line         *accessLine // counts the body's bytes; nil when the log is off

	r       *io.PipeReader
	w       *io.PipeWriter
	started bool // Read and Close have one caller
	ended   bool // fn has returned and all it wrote was read
	whole   bool // and it said that this was all
	done    chan struct{}
}

// Read starts fn when the response is really written.
func (s *stream) Read(p []byte) (int, error) {
	if !s.started {
		s.started = true
		go s.run()
	}
	n, err := s.r.Read(p)
	s.ended = err != nil
	s.whole = err == io.EOF //nolint:errorlint // a reader's end is this value itself
	if s.line != nil {
		s.line.Bytes += int64(n)
	}
	return n, err
}

// Close ends the stream and waits for fn: the exchange is not over before its
// code is. A function that ignores its context is found by the watchdog.
func (s *stream) Close() error {
	if s.started && !s.ended && s.c != nil {
		s.c.abandoned() // before its writes fail: fn may ask why
	}
	_ = s.r.CloseWithError(io.ErrClosedPipe)
	if s.started {
		<-s.done
	}
	if s.started && !s.whole && s.c != nil {
		s.c.left()
	}
	return nil
}

func (s *stream) run() {
	defer close(s.done)
	defer func() {
		if v := recover(); v != nil {
			if s.c != nil {
				s.c.t.panicked("stream", s.method, s.path, v, debug.Stack())
			}
			_ = s.w.CloseWithError(errStreamPanic)
		}
	}()
	w := &StreamWriter{buf: bufio.NewWriter(s.w)}
	err := s.fn(s.ctx, w)
	if err == nil {
		err = w.Flush()
	}
	_ = s.w.CloseWithError(err) // nil is the end of the file
}

// streaming marks the exchange under way as a stream, here and for the master:
// in a drain it has until stream_timeout.
func (c *conn) streaming() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.markStream()
}

// streamingOn is that unless exchange id is over.
func (c *conn) streamingOn(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.req.id == id {
		c.markStream()
	}
}

// markStream is streaming with c.mu held.
func (c *conn) markStream() {
	if c.req.open {
		c.req.stream = true
		c.entry.Stream()
	}
}

// statusClientGone is nginx's status for a client that did not wait for its answer.
const statusClientGone = 499

// left notes, for the books, that it was the client who broke a stream off.
func (c *conn) left() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.req.open && c.req.ctx != nil && errors.Is(context.Cause(c.req.ctx), ErrClientGone) {
		c.req.status = statusClientGone
	}
}

// abandoned tells a stream's function that nobody reads it any more.
func (c *conn) abandoned() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endContext(ErrClientGone)
}
