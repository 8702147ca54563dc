package upstream

import (
	"io"
)

const (
	eventBuffer    = 1 << 10  // what a quiet stream costs; it grows with what comes
	maxEventBuffer = 1 << 20  // an event beyond that is passed on in pieces
	keepBuffer     = 64 << 10 // a larger one is given back after its event
)

// Events reads a stream of server-sent events and hands out whole events only,
// as many as have arrived, with every byte as it came. A client can do
// nothing with a part of an event, so holding it back costs no time; and between any
// two calls of Next a heartbeat or an error can be put into the stream.
//
// It belongs to one goroutine.
type Events struct {
	from     io.Reader
	boundary Boundary
	buf      []byte
	used     int // of buf, what was handed out by the last Next
	whole    int // of buf, up to the last end of an event
	err      error
}

// NewEvents reads from a [Reply]'s Body, or any other stream of events.
func NewEvents(from io.Reader) *Events { return &Events{from: from} }

// Next waits for the next end of an event and returns all bytes up to there. They
// are valid until the next call. The error is io.EOF after a proper end, else what
// the reader said; what came of an event before it broke is dropped then, because it is
// no event. A proper end inside an event hands out the rest as it is.
//
// The one exception to whole events is an event of more than 1 MiB: see [Events.Whole].
func (e *Events) Next() ([]byte, error) {
	rest := copy(e.buf, e.buf[e.used:])
	e.buf, e.whole, e.used = e.buf[:rest], e.whole-e.used, 0
	if rest == 0 && cap(e.buf) > keepBuffer {
		e.buf = nil
	}
	for {
		if e.whole > 0 {
			return e.hand(e.whole), nil
		}
		if e.err != nil {
			if e.err == io.EOF && len(e.buf) > 0 { //nolint:errorlint // a reader's end is this value itself
				return e.hand(len(e.buf)), nil
			}
			return nil, e.err
		}
		if len(e.buf) >= maxEventBuffer {
			return e.hand(len(e.buf)), nil
		}
		e.read()
	}
}

// Whole says whether what Next handed out so far ends with an event.
func (e *Events) Whole() bool { return len(e.buf) > e.used || e.boundary.At() }

// Done says whether the stream has said that it is whole.
func (e *Events) Done() bool { return e.boundary.Done() }

// Failed says whether the stream has told of an error.
func (e *Events) Failed() bool { return e.boundary.Failed() }

func (e *Events) hand(n int) []byte {
	e.used, e.whole = n, max(e.whole, n)
	return e.buf[:n]
}

func (e *Events) read() {
	if cap(e.buf)-len(e.buf) < eventBuffer/4 {
		grown := make([]byte, len(e.buf), max(eventBuffer, 2*cap(e.buf)))
		copy(grown, e.buf)
		e.buf = grown
	}
	had := len(e.buf)
	n, err := e.from.Read(e.buf[had:cap(e.buf)])
	e.buf, e.err = e.buf[:had+n], err
	if whole, ok := e.boundary.Feed(e.buf[had:]); ok {
		e.whole = had + whole
	}
}
