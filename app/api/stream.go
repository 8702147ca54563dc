package api

import (
	"context"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app/api/limit"
)

// startStream makes the response a stream of server-sent events. It takes over
// the permit and gives it back after the last byte.
func (s *server) startStream(ctx *fasthttp.RequestCtx, provider Provider, model Model, r *Request, p *limit.Permit) {
	eventStream(ctx)
	id, created := s.newID(), s.now().Unix()
	// A response that is never written has no stream, only a context that ends.
	started := context.AfterFunc(s.host.requestContext(ctx), p.Release)
	s.host.stream(ctx, func(alive context.Context, w Writer) error {
		// ctx belongs to fasthttp again by now: nothing here may touch it.
		started()
		defer p.Release()
		out := newPassWriter(w, s.heartbeat)
		defer out.stop()
		e := events{out: out, usageField: r.IncludeUsage}
		e.begin(id, created, model)
		return s.runStream(alive, &e, provider, model, r)
	})
}

// runStream writes the events of one answer. An answer that does not reach its
// end closes with an error event and without [DONE], so that no client takes
// it for a whole one; if the client is gone nothing more is written.
func (s *server) runStream(alive context.Context, e *events, provider Provider, model Model, r *Request) error {
	err := e.role(model.Notice)
	var answer Answer
	if err == nil {
		answer, err = provider.Stream(alive, r, func(text string) error {
			if alive.Err() != nil {
				return context.Cause(alive)
			}
			return e.content(text)
		})
	}
	if err == nil {
		return e.end(answer)
	}
	return s.failStream(alive, e, model, err)
}

// eventStream makes the response one of server-sent events.
func eventStream(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("text/event-stream; charset=utf-8")
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-cache")
	ctx.Response.Header.Set("X-Accel-Buffering", "no") // nginx would hold the tokens back
}

// failStream ends a stream that did not reach its end, and returns what becomes of it.
func (s *server) failStream(alive context.Context, e *events, model Model, err error) error {
	switch {
	case e.broken != nil:
		return e.broken // the client does not take our bytes
	case alive.Err() != nil:
		cause := context.Cause(alive)
		if told := s.interrupted(cause); told != nil {
			return e.fail(told)
		}
		return cause
	default:
		return e.fail(s.providerError(model.ID, err))
	}
}

// events writes the chunks of one streamed completion.
type events struct {
	out        *passWriter
	usageField bool   // every chunk has a usage field, null but in the last
	head       []byte // of every chunk, up to its choices
	tail       []byte // after them
	buf        []byte
	broken     error // the first error of out
}

// begin fixes what all chunks share.
func (e *events) begin(id string, created int64, model Model) {
	// The order of OpenAI's fields; a map or struct per token would cost more
	// than all the rest of the chunk.
	e.head = append(e.head, `data: {"id":`...)
	e.head = appendString(e.head, id)
	e.head = append(e.head, `,"object":"chat.completion.chunk","created":`...)
	e.head = appendInt(e.head, created)
	e.head = append(e.head, `,"model":`...)
	e.head = appendString(e.head, model.ID)
	e.head = append(e.head, `,"system_fingerprint":`...)
	e.head = appendString(e.head, model.Fingerprint)
	e.head = append(e.head, `,"choices":[`...)
	if e.usageField {
		e.tail = append(e.tail, `,"usage":null`...)
	}
	e.tail = append(e.tail, "}\n\n"...)
}

// role is the first chunk: who speaks, and what is to be known about it.
func (e *events) role(notice string) error {
	b := append(e.buf[:0], e.head...)
	b = append(b, `{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]`...)
	if notice != "" {
		b = append(b, `,"webchasor":{"notice":`...)
		b = appendString(b, notice)
		b = append(b, '}')
	}
	return e.send(append(b, e.tail...))
}

// content is one piece of text.
func (e *events) content(text string) error {
	b := append(e.buf[:0], e.head...)
	b = append(b, `{"index":0,"delta":{"content":`...)
	b = appendString(b, text)
	b = append(b, `},"logprobs":null,"finish_reason":null}]`...)
	return e.send(append(b, e.tail...))
}

// end says why the answer ended, what it cost if that was asked for, and that
// the stream is whole.
func (e *events) end(a Answer) error {
	b := append(e.buf[:0], e.head...)
	b = append(b, `{"index":0,"delta":{},"logprobs":null,"finish_reason":`...)
	b = appendString(b, a.FinishReason)
	b = append(b, "}]"...)
	b = append(b, e.tail...)
	if e.usageField {
		u := a.usage()
		b = append(b, e.head...)
		b = append(b, `],"usage":{"prompt_tokens":`...)
		b = appendInt(b, int64(u.PromptTokens))
		b = append(b, `,"completion_tokens":`...)
		b = appendInt(b, int64(u.CompletionTokens))
		b = append(b, `,"total_tokens":`...)
		b = appendInt(b, int64(u.TotalTokens))
		b = append(b, "}}\n\n"...)
	}
	return e.send(append(b, "data: [DONE]\n\n"...))
}

// fail is the last event of an answer that is not whole.
func (e *events) fail(why *Error) error { return e.send(errorData(why)) }

// send writes and flushes b, which becomes the buffer of the next event.
func (e *events) send(b []byte) error {
	e.buf = b
	if err := e.out.send(b, true); err != nil {
		e.broken = err
		return err
	}
	return nil
}
