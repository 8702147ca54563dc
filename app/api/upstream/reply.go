package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
)

// maxErrorBody bounds what is kept of an answer with an error status.
const maxErrorBody = 1 << 20

// Call is one request of a client.
type Call struct {
	Path   string      // under the base URL, as /chat/completions
	Method string      // "" is POST
	Model  string      // what the client asks for; decides who is asked
	Body   []byte      // a JSON object, sent as it is but for its model. It must never change: it may be read after Do has returned.
	Stream bool        // whether the client asked for a stream
	Header http.Header // the client's; only what is known to be harmless is sent on

	// Heard is called for every attempt that says how much its upstream bears: crowded
	// is 429, 503 and no answer in time; else it was answered, its first bytes after wait. May be nil.
	Heard func(crowded bool, wait time.Duration)

	// Alive is called, by any goroutine and perhaps once after the end, when a wait
	// that has a limit of its own begins, and while the call pauses. May be nil.
	Alive func()
}

func (c *Call) alive() {
	if c.Alive != nil {
		c.Alive()
	}
}

// Reply is an upstream's answer. The caller owns it.
type Reply struct {
	Status int
	Header http.Header // without what belongs to the connection
	Body   io.ReadCloser
	Length int64 // of the body, or -1 if that is not known yet
	Stream bool  // the body is a stream of server-sent events

	Upstream string // who answered
	Model    string // what it calls the model
	Attempts int    // how many were made, this one included
}

// outcome is what one attempt came to: a reply or an error, and how to go on if it failed.
type outcome struct {
	reply *Reply
	err   error
	again again
	after time.Duration // the upstream's own Retry-After

	crowded bool // it has too many calls
}

// attempt asks one upstream once. It returns with the response's headers, for an
// error status with its whole body.
func (r *Router) attempt(ctx context.Context, t target, call Call, p pass) outcome {
	x := newExchange(ctx, t, p, r.now)
	body := call.Body
	if call.Model != "" {
		var err error
		if body, err = withModel(call.Body, t.model); err != nil {
			x.finish(abandoned)
			return outcome{err: errBody(err)}
		}
	}
	resp, err := x.send(call, body)
	if err != nil {
		return x.noAnswer(err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return r.refused(x, t, resp)
	}
	t.health.report(alive, p, r.now())
	return outcome{reply: &Reply{
		Status: resp.StatusCode, Header: responseHeader(resp.Header), Body: x, Length: resp.ContentLength,
		Stream: isEventStream(resp.Header), Upstream: t.Name, Model: t.model,
	}}
}

func isEventStream(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "text/event-stream")
}

func (x *exchange) noAnswer(cause error) outcome {
	err := x.explain(cause)
	if x.client.Err() != nil {
		x.finish(abandoned)
		return outcome{err: err}
	}
	x.finish(failed)
	how := anywhere
	slow := false
	if e, ok := errors.AsType[*Error](err); ok && e.Code == CodeFirstByteSlow {
		how, slow = elsewhere, true
	}
	return outcome{err: err, again: how, crowded: slow}
}

// refused makes the outcome of an answer that is no success.
func (r *Router) refused(x *exchange, t target, resp *http.Response) outcome {
	status := resp.StatusCode
	if x.ending = verdict(status); x.ending != failed {
		t.health.report(alive, x.pass, r.now())
	}
	defer x.Close()
	text, err := io.ReadAll(io.LimitReader(x, maxErrorBody))
	how := retryable(status, resp.Header, text)
	if err != nil {
		return outcome{err: err, again: how} // Read has reported it
	}
	o := outcome{again: how, after: retryAfter(resp.Header, r.now())}
	switch {
	case status < http.StatusBadRequest:
		o.err = t.fault(http.StatusBadGateway, CodeBadResponse, nil, "The model provider redirects requests; its base URL needs correction.")
		o.again = elsewhere
	case status == http.StatusUnauthorized:
		r.noteAuth(t)
		o.err = t.fault(http.StatusBadGateway, CodeAuth, nil, "The model provider does not accept this gateway's key.")
	case !isObject(text):
		o.err = t.unspoken(status, o.after)
	default:
		o.reply = &Reply{
			Status: status, Header: responseHeader(resp.Header), Body: io.NopCloser(bytes.NewReader(text)),
			Length: int64(len(text)), Upstream: t.Name, Model: t.model,
		}
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		t.limited.Add(1)
		t.meter.Limited()
		o.crowded = errorCode(text) != "insufficient_quota"
		t.cool(r.now(), o.after)
	}
	return o
}

// verdict is what an error status says about the health of its upstream.
func verdict(status int) news {
	if status == http.StatusUnauthorized || status >= http.StatusInternalServerError && status != http.StatusNotImplemented {
		return failed
	}
	return succeeded
}

// unspoken is the error for a status whose body is not what an API says, such as
// a proxy's HTML page.
func (e *endpoint) unspoken(status int, after time.Duration) *Error {
	ours := http.StatusBadGateway
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		ours = status
	}
	err := e.fault(ours, CodeBadResponse, nil, "The model provider answered with status %d and no explanation.", status)
	err.RetryAfter = after
	return err
}

func isObject(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) > 0 && text[0] == '{' && json.Valid(text)
}

// noteAuth tells the operator about a refused key, at most once a minute.
func (r *Router) noteAuth(t target) {
	now, last := r.now(), t.authTold.Load()
	if (last == nil || now.Sub(*last) >= time.Minute) && t.authTold.CompareAndSwap(last, &now) {
		r.log.Error("upstream does not accept our API key", zap.String("upstream", t.Name),
			zap.String("remedy", "check api_key of this upstream, or OPENAI_API_KEY"))
	}
}
