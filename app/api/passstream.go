package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app/api/cache"
	"github.com/webchasor/webchasor/app/api/limit"
	"github.com/webchasor/webchasor/app/api/upstream"
)

// passStream makes the response the upstream's stream. It takes over the
// permit and the upstream's body and the fill, and gives all back after the last byte.
func (s *server) passStream(ctx *fasthttp.RequestCtx, at *endpoint, h head, reply *upstream.Reply, p *limit.Permit, fill *cache.Fill) {
	copyHeader(ctx, reply)
	fill.Begin(reply.Status, reply.Header.Get(fasthttp.HeaderContentType))
	ctx.Response.Header.Set("X-Accel-Buffering", "no") // nginx would hold the tokens back
	ctx.Response.ImmediateHeaderFlush = true           // the first token may be minutes away
	model, body := h.model, reply.Body                 // not the whole request or reply, for as long as the stream lasts
	// A response that is never written has no stream, only a context that ends.
	var unused sync.Once // a fill belongs to one goroutine
	never := context.AfterFunc(s.host.requestContext(ctx), func() {
		_ = body.Close()
		p.Release()
		unused.Do(fill.Close)
	})
	s.host.stream(ctx, func(alive context.Context, w Writer) error {
		// ctx belongs to fasthttp again by now: nothing here may touch it.
		defer p.Release()
		defer body.Close()
		never()
		unused.Do(func() {})
		defer fill.Close()
		out := newPassWriter(w, s.heartbeat)
		defer out.stop()
		return s.copyEvents(alive, at, model, upstream.NewEvents(body), out, fill)
	})
}

// copyEvents passes whole events on as they come. A stream that breaks ends with
// an error event and without what says that it is whole; if the client
// is gone nothing more is written.
func (s *server) copyEvents(alive context.Context, at *endpoint, model string, from *upstream.Events, out *passWriter, fill *cache.Fill) error {
	for {
		events, err := from.Next()
		if len(events) > 0 {
			if err := out.send(events, from.Whole()); err != nil {
				return err // the client does not take our bytes
			}
			_, _ = fill.Write(events) // it never fails
		}
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			if from.Done() || from.Failed() {
				fill.Done() // an answer with an error is not kept
				return nil
			}
			// A connection that closes looks like an end; only the stream itself says that it is one.
			err = errCutShort
		}
		return s.breakOff(alive, at, model, out, err)
	}
}

// breakOff ends a stream with an error event, if somebody is there to be told and an event may stand here.
func (s *server) breakOff(alive context.Context, at *endpoint, model string, out *passWriter, err error) error {
	var told *Error
	if alive.Err() != nil {
		cause := context.Cause(alive)
		if told = s.interrupted(cause); told == nil {
			return cause
		}
	} else {
		told = s.upstreamError(model, err)
	}
	if !out.whole {
		return err // inside an event: only a broken connection can say it
	}
	return out.send(at.event(told), true)
}

// errCutShort: the upstream ended a stream in good order that is not whole.
var errCutShort = &upstream.Error{
	Status: http.StatusBadGateway, Type: typeServer, Code: upstream.CodeBroken,
	Message: "The model provider ended its answer before it was whole.",
}

// errorData is an error as an event of the chat and completions endpoints.
func errorData(e *Error) []byte {
	envelope, err := json.Marshal(e)
	if err != nil {
		return nil // it is our own plain data
	}
	return append(append([]byte("data: "), envelope...), "\n\n"...)
}

// responsesError is an error as an event of the responses endpoint.
func responsesError(e *Error) []byte {
	var param *string
	if e.Param != "" {
		param = &e.Param
	}
	body, err := json.Marshal(struct {
		Type    string  `json:"type"`
		Code    string  `json:"code"`
		Message string  `json:"message"`
		Param   *string `json:"param"`
	}{"error", e.Code, e.Message, param})
	if err != nil {
		return nil
	}
	return append(append([]byte("event: error\ndata: "), body...), "\n\n"...)
}

// heartbeatLine is a comment of server-sent events, which every client skips.
const heartbeatLine = ": heartbeat\n\n"

// passWriter writes events, and comments into silences between them.
type passWriter struct {
	whole bool // what was sent ends with an event; the sender's

	mu    sync.Mutex // guards all below
	w     Writer
	every time.Duration
	timer *time.Timer // nil without heartbeats
	quiet bool        // between two events, so that a comment may stand here
	err   error       // the first of a write

	failed func(error) // called for that; nil is nobody
}

// newPassWriter begins to write; every is the silence after which a heartbeat is sent, 0 for none.
func newPassWriter(w Writer, every time.Duration) *passWriter {
	p := &passWriter{w: w, every: every, whole: true}
	if every > 0 {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.quiet = true
		p.timer = time.AfterFunc(every, p.beat)
	}
	return p
}

// onFailure has f called, without blocking, when a write fails.
func (p *passWriter) onFailure(f func(error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = f
}

// send writes bytes at once; whole says that they end with an event.
func (p *passWriter) send(b []byte, whole bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.whole, p.quiet = whole, whole
	if p.timer != nil {
		p.timer.Reset(p.every)
	}
	return p.write(b)
}

// write is for whoever holds mu.
func (p *passWriter) write(b []byte) error {
	if p.err != nil {
		return p.err
	}
	if _, p.err = p.w.Write(b); p.err == nil {
		p.err = p.w.Flush()
	}
	if p.err != nil && p.failed != nil {
		p.failed(p.err)
	}
	return p.err
}

// beat runs in a goroutine of its own. While the client does not read, it waits
// in the write, and the next event waits for it.
func (p *passWriter) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil || !p.quiet || p.write([]byte(heartbeatLine)) != nil {
		return
	}
	p.timer.Reset(p.every)
}

// stop ends the heartbeats: after it nothing writes any more.
func (p *passWriter) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}
