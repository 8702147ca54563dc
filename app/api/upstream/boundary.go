package upstream

import "bytes"

// Boundary finds where server-sent events end in a stream that it sees in pieces,
// and whether the stream has said that it is whole. It changes nothing and
// keeps no more than the beginning of one line. The zero value is at a boundary.
//
// Lines end with LF, CRLF or CR; an empty line ends an event. A CR
// at the end of what was seen is not judged before the next byte is there.
type Boundary struct {
	line   [32]byte // the beginning of the current line
	length int      // of the line, as far as it was seen
	inside bool     // in an event: a line of it has begun
	cr     bool     // the last byte was a CR, which a LF may complete

	data   int  // lines of data of the current event
	mark   bool // the event says that the stream is whole
	done   bool
	failed bool
}

// Feed takes the next bytes of the stream and returns how many of them belong
// to events that are complete: an offset just behind the last end of an event.
// ok is false when there is no such place; 0 is the end of what was fed before.
func (b *Boundary) Feed(p []byte) (whole int, ok bool) {
	at := 0
	for at < len(p) {
		if b.cr {
			b.cr = false
			if p[at] == '\n' {
				at++
			}
			if !b.inside {
				whole, ok = at, true
			}
			continue
		}
		next := bytes.IndexAny(p[at:], "\r\n")
		if next < 0 {
			b.take(p[at:])
			return whole, ok
		}
		b.take(p[at : at+next])
		at += next + 1
		b.endLine()
		if b.cr = p[at-1] == '\r'; !b.cr && !b.inside {
			whole, ok = at, true
		}
	}
	return whole, ok
}

// At says whether everything that was fed ended with an event: here, and only
// here, may something else be put into the stream.
func (b *Boundary) At() bool { return !b.inside && !b.cr }

// Done says whether the stream has said that it is whole: by the event
// [DONE], or by the last event of a response.
func (b *Boundary) Done() bool { return b.done }

// Failed says whether the stream has told of an error: then its end says no more.
func (b *Boundary) Failed() bool { return b.failed }

func (b *Boundary) take(p []byte) {
	if len(p) == 0 {
		return
	}
	if b.length < len(b.line) {
		copy(b.line[b.length:], p)
	}
	b.length += len(p)
	b.inside = true
}

func (b *Boundary) endLine() {
	if b.length == 0 { // the empty line
		b.done = b.done || b.mark && b.data == 1
		b.inside, b.mark, b.data = false, false, 0
		return
	}
	line := b.line[:min(b.length, len(b.line))]
	if field, value, _ := bytes.Cut(line, []byte(":")); b.length <= len(b.line) || string(field) == "data" {
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "data":
			b.data++
			b.mark = b.mark || b.length <= len(b.line) && string(value) == "[DONE]"
			if object, ok := bytes.CutPrefix(value, []byte("{")); ok {
				b.failed = b.failed || bytes.HasPrefix(bytes.TrimLeft(object, " \t"), []byte(`"error"`))
			}
		case "event":
			switch string(value) {
			case "response.completed", "response.failed", "response.incomplete":
				b.mark = true
			case "error":
				b.failed = true
			}
		}
	}
	b.length = 0
}
