package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"github.com/webchasor/webchasor/app/api/cache"
	"github.com/webchasor/webchasor/app/api/limit"
	"github.com/webchasor/webchasor/app/api/upstream"
)

// maxReply bounds an answer that is not a stream: it is in memory until it is
// whole, so that a broken one becomes a proper error.
const maxReply = 256 << 20

// pass gives the request to an upstream and its answer to the client, both
// with every byte as it came. It returns whether a stream took permit and fill over.
func (s *server) pass(ctx *fasthttp.RequestCtx, at *endpoint, h head, p *limit.Permit, fill *cache.Fill) (streaming bool) {
	alive, stream := s.host.requestContext(ctx), h.stream
	call := upstream.Call{
		Path: at.path, Model: h.model, Stream: stream, Header: headerOf(ctx),
		// Ours from here on: net/http may still be sending it when the next request of this
		// connection is read, and fasthttp would keep a prompt of 100 KB through the whole answer.
		Body:  ctx.Request.SwapBody(nil),
		Alive: func() { s.host.alive(alive) },
		Heard: func(crowded bool, wait time.Duration) { s.limits.Heard(crowded, stream, wait) },
	}
	var reply *upstream.Reply
	var err error
	if stream && s.heartbeat > 0 {
		coming := s.send(alive, call)
		if !coming.within(s.heartbeat) {
			s.passLate(ctx, at, h, coming, p, fill)
			return true
		}
		reply, err = coming.reply, coming.err
	} else {
		reply, err = s.router.Do(alive, call)
	}
	if err != nil {
		s.passError(ctx, h.model, err)
		return false
	}
	if reply.Stream {
		s.passStream(ctx, at, h, reply, p, fill)
		return true
	}
	defer reply.Body.Close()
	s.passWhole(ctx, h, reply, fill)
	return false
}

// headerOf is the client's header as net/http has it.
func headerOf(ctx *fasthttp.RequestCtx) http.Header {
	h := make(http.Header, 16)
	for name, value := range ctx.Request.Header.All() {
		h.Add(string(name), string(value))
	}
	return h
}

// passError answers for an upstream that did not.
func (s *server) passError(ctx *fasthttp.RequestCtx, model string, err error) {
	if alive := s.host.requestContext(ctx); alive.Err() != nil {
		s.ended(ctx, context.Cause(alive))
		return
	}
	writeError(ctx, s.upstreamError(model, err))
}

// upstreamError is what the client is told about err; the log is told all of it.
func (s *server) upstreamError(model string, err error) *Error {
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok {
		s.log.Error("request to an upstream failed", zap.String("model", model), zap.Error(err))
		return errProvider()
	}
	if e.Status >= http.StatusInternalServerError {
		if missed, ok := s.warnUpstream.allow(s.now()); ok {
			s.log.Warn("upstream failed", zap.String("model", model), zap.Error(err), zap.Uint64("more_since_last_line", missed))
		}
	}
	return &Error{
		Status: e.Status, Message: e.Message, Type: e.Type, Param: e.Param, Code: e.Code,
		RetryAfter: int((e.RetryAfter + time.Second - 1) / time.Second),
	}
}

// copyHeader makes the upstream's header ours.
func copyHeader(ctx *fasthttp.RequestCtx, reply *upstream.Reply) {
	h := &ctx.Response.Header
	ctx.SetStatusCode(reply.Status)
	for name, values := range reply.Header {
		if name == fasthttp.HeaderContentType {
			h.SetContentType(reply.Header.Get(name))
			continue
		}
		for _, v := range values {
			h.Add(name, v)
		}
	}
}

// passWhole passes on an answer that is not a stream.
func (s *server) passWhole(ctx *fasthttp.RequestCtx, h head, reply *upstream.Reply, fill *cache.Fill) {
	room := int64(4 << 10)
	if reply.Length > 0 {
		room = min(reply.Length, 1<<20) + bytes.MinRead
	}
	body := bytes.NewBuffer(make([]byte, 0, room))
	for {
		n, err := io.CopyN(body, reply.Body, 64<<10)
		if n > 0 {
			s.host.progress(ctx) // a long answer that arrives is not stuck
		}
		switch {
		case errors.Is(err, io.EOF):
			copyHeader(ctx, reply)
			ctx.Response.SetBodyRaw(body.Bytes())
			fill.Begin(reply.Status, reply.Header.Get(fasthttp.HeaderContentType))
			_, _ = fill.Write(body.Bytes()) // it never fails
			fill.Done()
			return
		case err != nil:
			s.passError(ctx, h.model, err)
			return
		case body.Len() > maxReply:
			s.passError(ctx, h.model, errors.New("the answer is larger than 256 MiB"))
			return
		}
	}
}
