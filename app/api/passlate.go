package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app/api/cache"
	"github.com/webchasor/webchasor/app/api/limit"
	"github.com/webchasor/webchasor/app/api/upstream"
)

// coming is a call to an upstream that has not answered yet.
type coming struct {
	done  chan struct{} // closed when the others are set
	reply *upstream.Reply
	err   error
	// end ends the call, and the answer that came of it; so does the end of the request.
	end context.CancelCauseFunc
}

// send asks in a goroutine of its own.
func (s *server) send(alive context.Context, call upstream.Call) *coming {
	ctx, end := context.WithCancelCause(alive)
	c := &coming{done: make(chan struct{}), end: end}
	go func() {
		defer close(c.done)
		c.reply, c.err = s.router.Do(ctx, call)
	}()
	return c
}

// within waits at most d for the answer and returns whether it is there.
func (c *coming) within(d time.Duration) bool {
	patience := time.NewTimer(d)
	defer patience.Stop()
	select {
	case <-c.done:
		return true
	case <-patience.C:
		return false
	}
}

// drop ends an answer that nobody wants.
func (c *coming) drop() {
	<-c.done
	if c.reply != nil {
		_ = c.reply.Body.Close()
	}
}

// passLate begins a stream before its upstream has answered, with heartbeats. Whatever
// goes wrong after that is an event: the status is 200 already. It takes over the
// permit and the fill.
func (s *server) passLate(ctx *fasthttp.RequestCtx, at *endpoint, h head, c *coming, p *limit.Permit, fill *cache.Fill) {
	eventStream(ctx)
	ctx.Response.ImmediateHeaderFlush = true
	model := h.model
	var unused sync.Once // as in passStream
	never := context.AfterFunc(s.host.requestContext(ctx), func() {
		unused.Do(func() {
			c.drop()
			fill.Close()
		})
		p.Release()
	})
	s.host.stream(ctx, func(alive context.Context, w Writer) error {
		mine := false
		never()
		unused.Do(func() { mine = true })
		defer p.Release()
		if !mine {
			return context.Cause(alive)
		}
		defer fill.Close()
		out := newPassWriter(w, s.heartbeat)
		defer out.stop()
		out.onFailure(c.end)
		out.beat() // the silence has lasted that long
		<-c.done   // it ends with the request, and when nobody takes a heartbeat
		if c.err != nil {
			return s.breakOff(alive, at, model, out, c.err)
		}
		defer c.reply.Body.Close()
		if !c.reply.Stream {
			return s.tellWhole(alive, at, model, c.reply, out)
		}
		fill.Begin(c.reply.Status, c.reply.Header.Get(fasthttp.HeaderContentType))
		return s.copyEvents(alive, at, model, upstream.NewEvents(c.reply.Body), out, fill)
	})
}

// tellWhole makes events of an answer that is no stream: of an error the error, and
// an error of anything else.
func (s *server) tellWhole(alive context.Context, at *endpoint, model string, reply *upstream.Reply, out *passWriter) error {
	text, err := io.ReadAll(io.LimitReader(reply.Body, maxTold))
	if err != nil {
		return s.breakOff(alive, at, model, out, err)
	}
	var said struct {
		Error *struct {
			Message string `json:"message"`
			Type    string `json:"type"`
			Param   any    `json:"param"`
			Code    any    `json:"code"`
		} `json:"error"`
	}
	var line bytes.Buffer
	if json.Unmarshal(text, &said) != nil || said.Error == nil || json.Compact(&line, text) != nil {
		return s.breakOff(alive, at, model, out, &upstream.Error{
			Status: http.StatusBadGateway, Type: typeServer, Code: upstream.CodeBadResponse, Upstream: reply.Upstream,
			Message: "The model provider answered with something else than a stream.",
		})
	}
	if at == &responsesEndpoint {
		word := func(v any) string {
			text, _ := v.(string)
			return text
		}
		return out.send(at.event(&Error{
			Message: said.Error.Message, Type: said.Error.Type, Param: word(said.Error.Param), Code: word(said.Error.Code),
		}), true)
	}
	return out.send(append(append([]byte("data: "), line.Bytes()...), "\n\n"...), true)
}

// maxTold bounds an upstream's error that becomes an event.
const maxTold = 1 << 20
