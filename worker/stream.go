package worker

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"sync"

	"github.com/valyala/fasthttp"
)

// errStreamPanic breaks a stream off whose function panicked.
var errStreamPanic = errors.New("the stream function panicked")

// streamBuffer is what a stream writes at most as one chunk, unless a single
// Write is larger.
const streamBuffer = 4 << 10

var streamBuffers = sync.Pool{New: func() any { return new([streamBuffer]byte) }}

// StreamWriter writes a response that is made while it is sent. Data is
// buffered until Flush or until 4 KiB are full; each buffer becomes one chunk.
// It belongs to the stream function's goroutine and is dead after it returned.
// Every method blocks while the client is slower; after the client has
// gone, or the watchdog has ended the exchange, each returns an error.
type StreamWriter struct {
	to   io.Writer
	buf  *[streamBuffer]byte // borrowed while it has something
	used int
	err  error // the first
}

// Write buffers p.
func (w *StreamWriter) Write(p []byte) (int, error) {
	if w.used+len(p) > streamBuffer {
		if err := w.Flush(); err != nil {
			return 0, err
		}
	}
	if len(p) >= streamBuffer {
		return w.send(p)
	}
	return w.keep(len(p), func(to []byte) { copy(to, p) })
}

// WriteString buffers s.
func (w *StreamWriter) WriteString(s string) (int, error) {
	if len(s) > streamBuffer {
		return w.Write([]byte(s))
	}
	if w.used+len(s) > streamBuffer {
		if err := w.Flush(); err != nil {
			return 0, err
		}
	}
	return w.keep(len(s), func(to []byte) { copy(to, s) })
}

// keep puts n bytes into the buffer, which has room for them.
func (w *StreamWriter) keep(n int, put func(to []byte)) (int, error) {
	if w.err != nil || n == 0 {
		return 0, w.err
	}
	if w.buf == nil {
		w.buf, _ = streamBuffers.Get().(*[streamBuffer]byte)
	}
	put(w.buf[w.used:])
	w.used += n
	return n, nil
}

// Flush hands what is buffered to the connection.
func (w *StreamWriter) Flush() error {
	if w.used == 0 {
		return w.err
	}
	_, err := w.send(w.buf[:w.used])
	streamBuffers.Put(w.buf)
	w.buf, w.used = nil, 0
	return err
}

func (w *StreamWriter) send(p []byte) (n int, err error) {
	if w.err == nil {
		n, w.err = w.to.Write(p)
	}
	return n, w.err
}

// Stream makes fn write the body of the response that ctx is for, with chunked
// encoding. Call it as the handler's last act: status and headers must be set,
// and ctx must not be used in fn.
//
// fn runs after the handler has returned, in the goroutine of the connection or one
// of its own, and not at all if the response has no body (HEAD). Its context is the request's, see
// [RequestContext], and lives until fn has returned; the request counts as
// under way until then. When the context ends with [ErrTimeout] or [ErrDraining],
// fn has a second to write a terminal event and return.
//
// nil ends the response properly. An error or a panic breaks it off: the
// connection closes without the last chunk, so that the client can tell.
func Stream(ctx *fasthttp.RequestCtx, fn func(ctx context.Context, w *StreamWriter) error) {
	s := &stream{ctx: RequestContext(ctx), fn: fn}
	if c, ok := connOf(ctx.Conn()); ok {
		s.c, s.method, s.path = c, string(ctx.Method()), string(ctx.Path())
		c.streaming()
	}
	ctx.Response.SetBodyStream(s, -1)
}

// stream is the body that fasthttp sends. It asks for it by WriteTo; whoever wraps
// the response, to compress it for instance, may read instead, through a pipe.
type stream struct {
	ctx          context.Context
	fn           func(context.Context, *StreamWriter) error
	c            *conn // nil outside a worker
	method, path string
	line         *accessLine // counts the body's bytes; nil when the log is off

	started bool // WriteTo, or Read, and Close have one caller
	ended   bool // fn has returned and all it wrote was taken
	whole   bool // and it said that this was all

	r    *io.PipeReader // nil without Read
	w    *io.PipeWriter
	done chan struct{} // closed when fn has returned; nil without Read
}

// SupportsBodyWriteTo lets fasthttp call WriteTo: its chunks are the same.
func (s *stream) SupportsBodyWriteTo() bool { return true }

// WriteTo runs fn, which writes to the connection itself: a stream that waits costs
// no second goroutine and no buffer.
func (s *stream) WriteTo(w io.Writer) (int64, error) {
	s.started = true
	out := &streamOut{s: s, to: w}
	err := s.run(out)
	if err == nil {
		err = out.err
	}
	s.ended, s.whole = true, err == nil
	return out.n, err
}

// streamOut is where fn's bytes go.
type streamOut struct {
	s   *stream
	to  io.Writer
	n   int64
	err error
}

func (o *streamOut) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	o.n += int64(n)
	if o.s.line != nil {
		o.s.line.Bytes += int64(n)
	}
	if err != nil && o.err == nil {
		o.err = err
		if o.s.c != nil {
			o.s.c.abandoned() // before fn sees the error: it may ask why
		}
	}
	return n, err
}

// Read starts fn when the response is really taken.
func (s *stream) Read(p []byte) (int, error) {
	if !s.started {
		s.started, s.done = true, make(chan struct{})
		s.r, s.w = io.Pipe()
		go func() {
			defer close(s.done)
			_ = s.w.CloseWithError(s.run(s.w)) // nil is the end of the file
		}()
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
	if s.done != nil {
		_ = s.r.CloseWithError(io.ErrClosedPipe)
		<-s.done
	}
	if s.started && !s.whole && s.c != nil {
		s.c.left()
	}
	return nil
}

// run calls fn and flushes what it left.
func (s *stream) run(to io.Writer) (err error) {
	defer func() {
		if v := recover(); v != nil {
			if s.c != nil {
				s.c.t.panicked("stream", s.method, s.path, v, debug.Stack())
			}
			err = errStreamPanic
		}
	}()
	w := &StreamWriter{to: to}
	if err := s.fn(s.ctx, w); err != nil {
		return err
	}
	return w.Flush()
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
