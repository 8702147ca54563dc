package worker

import (
	"fmt"
	"math"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/strict"
)

// entrance is what all connections of a worker are held to before a server
// reads them.
type entrance struct {
	limits strict.Limits
	forms  bool // refuse what is malformed, not only what is too large
	bodies bodies
}

// newEntrance is nil when nothing is asked of it: then no connection has a
// checker, which is what the checker's cost is measured against. http2 is whether the server speaks it without TLS; whole, whether
// it holds bodies in memory before a handler runs.
func newEntrance(s config.Settings, http2, whole bool) *entrance {
	h := s.HTTP
	// fasthttp and net/http see to the limit of the head by themselves.
	if h == (config.HTTP{LimitRequestHead: h.LimitRequestHead}) {
		return nil
	}
	e := &entrance{forms: h.Strict, limits: strict.Limits{
		Line: h.LimitRequestLine, Fields: h.LimitRequestFields, FieldSize: h.LimitRequestFieldSize,
		Head: int(h.LimitRequestHead), Body: h.LimitRequestBody, HTTP2: http2,
	}}
	if whole && h.LimitRequestMemory > 0 {
		e.bodies.limit = max(h.LimitRequestMemory, h.LimitRequestBody)
	}
	return e
}

// limitFastHTTP gives the server the limits that it enforces too: its buffer
// must hold a head, and its own limit of bodies must not be the lower one
// unless the program wants it so.
func limitFastHTTP(srv *fasthttp.Server, s config.Settings) {
	srv.ReadBufferSize = max(srv.ReadBufferSize, int(s.HTTP.LimitRequestHead), minHead)
	limit := math.MaxInt
	if s.HTTP.LimitRequestBody > 0 {
		limit = int(s.HTTP.LimitRequestBody)
	}
	if srv.MaxRequestBodySize <= 0 || srv.MaxRequestBodySize > limit {
		srv.MaxRequestBodySize = limit
	}
}

// minHead is fasthttp's own buffer.
const minHead = 4096

// smallBody is what a body takes for free: worker_connections bounds these.
const smallBody = 64 << 10

// bodies counts the memory of request bodies in a server that holds them whole:
// fasthttp allocates one when it is announced, before a byte of it was sent.
type bodies struct {
	limit int64 // 0 is none
	used  atomic.Int64
}

// take reserves n bytes if so many are left.
func (b *bodies) take(n int64) bool {
	if b.used.Add(n) <= b.limit {
		return true
	}
	b.used.Add(-n)
	return false
}

func (b *bodies) give(n int64) { b.used.Add(-n) }

// denial is a refusal by the entrance.
type denial struct {
	status int
	text   string // the complete response
	reason string
}

func (d *denial) Error() string { return "request refused: " + d.reason }

// denials are indexed by reason.
var denials = deny()

func deny() (list []*denial) {
	for r := range strict.Reasons {
		kind, code := "invalid_request_error", "bad_request"
		switch r {
		case strict.BodyTooLarge:
			code = "request_too_large"
		case strict.UnsupportedVersion, strict.UnknownCoding:
			code = "not_supported"
		default:
			if r.Limit() {
				code = "head_too_large"
			}
		}
		list = append(list, newDenial(r.Status(), r.String(), r.String(), kind, code))
	}
	return list
}

// newDenial tells the log the reason and the client the message.
func newDenial(status int, reason, message, kind, code string) *denial {
	body := envelope(message, kind, code)
	return &denial{status: status, reason: reason, text: fmt.Sprintf(
		"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, fasthttp.StatusMessage(status), len(body), body)}
}

// crowded refuses a body for which there is no memory.
var crowded = &denial{
	status: fasthttp.StatusServiceUnavailable, reason: "limit_request_memory is used up",
	text: refuse("503 Service Unavailable", "The server is receiving too many large requests. Please try again.", "server_error", "overloaded"),
}

// dropVariants removes what a program that turns dashes into underscores would
// take for the headers that frame a request. Gunicorn drops them too.
func dropVariants(del func(name string)) {
	del("Content_Length")
	del("Transfer_Encoding")
}
