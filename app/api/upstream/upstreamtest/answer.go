package upstreamtest

import (
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Answer says how one request is answered. The zero value answers at once and
// well.
type Answer struct {
	Delay      time.Duration // before the status line
	Status     int           // 0 is 200; from 400 on the body is OpenAI's error envelope
	Header     http.Header   // added to the response's
	RetryAfter string        // Retry-After, as it is to be sent
	Body       string        // the whole body; "" is one that fits the endpoint
	Text       string        // what the assistant says; "" is a short greeting
	Tool       string        // the assistant calls this function instead of talking
	Arguments  string        // of the call, JSON; "" is {}

	// Of streams. An event is one chunk of the answer; [DONE] is the last one.
	Tokens      int           // chunks of text; 0 is as many as Text has words
	TokenDelay  time.Duration // before each event but the first
	FirstDelay  time.Duration // between headers and first event
	BreakAfter  int           // the connection breaks after so many events; below 0 before the status line
	BreakInside bool          // it breaks in the middle of the event after those
	StallAfter  int           // nothing more comes after so many events; below 0 not even a status line
}

// quiet is where net/http tells about broken connections: they are the point.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// exchange is one request and its answer.
type exchange struct {
	server *Server
	w      http.ResponseWriter
	r      *http.Request
	seen   Request
	answer Answer
}

// run returns false when the client left before the answer was whole.
func (e *exchange) run() bool {
	a := e.answer
	if !e.wait(a.Delay) {
		return false
	}
	switch {
	case a.BreakAfter < 0:
		panic(http.ErrAbortHandler) // net/http's own way to break a connection
	case a.StallAfter < 0:
		return e.stall()
	}
	h := e.w.Header()
	maps.Copy(h, a.Header)
	if a.RetryAfter != "" {
		h.Set("Retry-After", a.RetryAfter)
	}
	if h.Get("X-Request-Id") == "" {
		h.Set("X-Request-Id", "req_"+strconv.Itoa(e.seen.N))
	}
	if a.Status >= http.StatusBadRequest {
		return e.plain(a.Status, errorBody(a.Status))
	}
	if e.seen.Stream && a.Body == "" {
		return e.stream()
	}
	return e.plain(a.Status, e.whole())
}

func (e *exchange) plain(status int, body []byte) bool {
	if e.answer.Body != "" {
		body = []byte(e.answer.Body)
	}
	if e.w.Header().Get("Content-Type") == "" {
		e.w.Header().Set("Content-Type", "application/json")
	}
	e.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	e.w.WriteHeader(max(status, http.StatusOK))
	if e.answer.BreakAfter > 0 {
		body = body[:len(body)/2]
	}
	_, err := e.w.Write(body)
	if e.answer.BreakAfter > 0 {
		e.flush()
		panic(http.ErrAbortHandler)
	}
	return err == nil
}

func (e *exchange) stream() bool {
	a := e.answer
	if e.w.Header().Get("Content-Type") == "" {
		e.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	}
	e.w.WriteHeader(http.StatusOK)
	e.flush()
	if !e.wait(a.FirstDelay) {
		return false
	}
	for i, event := range e.events() {
		if i > 0 && !e.wait(a.TokenDelay) {
			return false
		}
		switch {
		case a.StallAfter > 0 && i == a.StallAfter:
			return e.stall()
		case a.BreakAfter > 0 && i == a.BreakAfter:
			if a.BreakInside {
				_, _ = e.w.Write(event[:len(event)/2])
				e.flush()
			}
			panic(http.ErrAbortHandler)
		}
		if _, err := e.w.Write(event); err != nil {
			return false
		}
		e.flush()
	}
	return e.r.Context().Err() == nil
}

func (e *exchange) flush() {
	// A connection that is gone shows at the next write.
	_ = http.NewResponseController(e.w).Flush()
}

// wait returns false when the client has left.
func (e *exchange) wait(d time.Duration) bool {
	if d <= 0 {
		return e.r.Context().Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.r.Context().Done():
		return false
	case <-e.server.quit:
		panic(http.ErrAbortHandler)
	}
}

// stall says nothing until the client leaves or the server closes.
func (e *exchange) stall() bool {
	select {
	case <-e.r.Context().Done():
		return false
	case <-e.server.quit:
		panic(http.ErrAbortHandler)
	}
}

func errorBody(status int) []byte {
	kind := "invalid_request_error"
	switch {
	case status == http.StatusTooManyRequests:
		kind = "rate_limit_error"
	case status >= http.StatusInternalServerError:
		kind = "server_error"
	}
	return mustJSON(map[string]any{"error": map[string]any{
		"message": "scripted " + strconv.Itoa(status), "type": kind, "param": nil, "code": "scripted_" + strconv.Itoa(status),
	}})
}

// mustJSON is for maps of strings and numbers, which cannot fail.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(err.Error())
	}
	return b
}
