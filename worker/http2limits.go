package worker

import (
	"io"
	"net/http"

	"github.com/webchasor/webchasor/internal/strict"
)

// oversized holds a stream's request to the limits of HTTP/1. Its head is counted as if
// it had come in HTTP/1; its size as a whole is net/http's to check, before this.
func oversized(r *http.Request, lim *strict.Limits) strict.Reason {
	if lim.Line > 0 && len(r.Method)+len(r.RequestURI)+len("  HTTP/1.1") > lim.Line {
		return strict.LineTooLong
	}
	fields := 0
	for name, values := range r.Header {
		fields += len(values)
		for _, v := range values {
			if lim.FieldSize > 0 && len(name)+len(": ")+len(v) > lim.FieldSize {
				return strict.FieldTooLong
			}
		}
	}
	if lim.Fields > 0 && fields > lim.Fields {
		return strict.TooManyFields
	}
	if lim.Body > 0 && r.ContentLength > lim.Body {
		return strict.BodyTooLarge
	}
	return strict.OK
}

// streamBody is the body of a stream's request: it counts what comes, takes the
// time in which nothing does, and ends at limit_request_body.
type streamBody struct {
	io.ReadCloser
	c    *conn
	over bool
}

// expectBody wraps the body of a stream's request.
func (c *conn) expectBody(r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	c.scrutiny.opaque.Store(false)
	c.scrutiny.inBody.Store(true)
	r.Body = &streamBody{ReadCloser: r.Body, c: c}
}

// Read passes the body on. It has one caller at a time, the handler.
func (b *streamBody) Read(p []byte) (int, error) {
	c, s := b.c, &b.c.scrutiny
	limit := c.t.entrance.limits.Body
	if b.over {
		return 0, &http.MaxBytesError{Limit: limit}
	}
	start := c.t.clock.Now()
	s.waiting.Store(int64(start))
	n, err := b.ReadCloser.Read(p)
	s.waiting.Store(0)
	s.waited.Add(int64(c.t.clock.Now() - start))
	if in := c.in.Add(uint64(n)); limit > 0 && in > uint64(limit) { //nolint:gosec // neither is negative
		b.over = true
		c.mu.Lock()
		if c.state == connActive && !c.req.begun {
			c.deny(denials[strict.BodyTooLarge])
		}
		c.mu.Unlock()
		return 0, &http.MaxBytesError{Limit: limit}
	}
	if err != nil {
		s.inBody.Store(false)
	}
	return n, err
}
