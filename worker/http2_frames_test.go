package worker

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frames is a client of HTTP/2 that does what no well-behaved one does. It writes and reads
// frames; the answers to SETTINGS and PING are its own business.
type frames struct {
	*client
	*http2.Framer
	mu     sync.Mutex // for writing
	block  bytes.Buffer
	fields *hpack.Encoder
	next   uint32 // stream
}

func (tc *testCore) frames(settings ...http2.Setting) *frames {
	tc.tb.Helper()
	c := tc.dial()
	f := &frames{client: c, Framer: http2.NewFramer(c, c.r), next: 1}
	f.fields = hpack.NewEncoder(&f.block)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.send(http2.ClientPreface)
	f.must(f.WriteSettings(settings...))
	return f
}

func (f *frames) must(err error) {
	f.tb.Helper()
	if err != nil {
		f.tb.Fatal(err)
	}
}

// open sends a GET in a stream of its own, with further header fields.
func (f *frames) open(path string, more ...string) (stream uint32, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	stream = f.next
	f.next += 2
	f.block.Reset()
	for _, pair := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "x"}, {":path", path}} {
		f.must(f.fields.WriteField(hpack.HeaderField{Name: pair[0], Value: pair[1]}))
	}
	for i := 0; i+1 < len(more); i += 2 {
		f.must(f.fields.WriteField(hpack.HeaderField{Name: more[i], Value: more[i+1]}))
	}
	rest := f.block.Bytes()
	part := rest[:min(len(rest), 16<<10)]
	rest = rest[len(part):]
	err = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: part, EndStream: true, EndHeaders: len(rest) == 0})
	for err == nil && len(rest) > 0 {
		part = rest[:min(len(rest), 16<<10)]
		rest = rest[len(part):]
		err = f.WriteContinuation(stream, len(rest) == 0, part)
	}
	return stream, err
}

// reset gives a stream up.
func (f *frames) reset(stream uint32) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.WriteRSTStream(stream, http2.ErrCodeCancel)
}

// until reads frames until one is what is looked for, and returns it; nil at the end of the
// connection.
func (f *frames) until(is func(http2.Frame) bool) http2.Frame {
	f.tb.Helper()
	for {
		frame, err := f.ReadFrame()
		switch {
		case err == nil && is(frame):
			return frame
		case err == nil:
		case errors.Is(err, io.EOF), errors.As(err, new(http2.ConnectionError)):
			return nil
		default:
			f.tb.Logf("the connection ended: %v", err)
			return nil
		}
	}
}

// answered waits for the header of a stream's response and returns its status.
func (f *frames) answered(stream uint32) string {
	f.tb.Helper()
	frame, ok := f.until(func(f http2.Frame) bool {
		h, ok := f.(*http2.MetaHeadersFrame)
		return ok && h.StreamID == stream
	}).(*http2.MetaHeadersFrame)
	if !ok {
		f.tb.Fatalf("stream %d got no answer", stream)
	}
	return frame.PseudoValue("status")
}

// broken waits until the server has reset a stream.
func (f *frames) broken(stream uint32) {
	f.tb.Helper()
	if f.until(func(f http2.Frame) bool {
		_, ok := f.(*http2.RSTStreamFrame)
		return ok && f.Header().StreamID == stream
	}) == nil {
		f.tb.Fatalf("stream %d was not reset", stream)
	}
}
