package api

import (
	"context"
	"errors"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"github.com/webchasor/webchasor/app/api/limit"
)

// headerNotice carries [Model.Notice].
const headerNotice = "X-Webchasor-Notice"

// completion is a chat.completion object.
type completion struct {
	ID          string    `json:"id"`
	Object      string    `json:"object"`
	Created     int64     `json:"created"`
	Model       string    `json:"model"`
	Choices     []choice  `json:"choices"`
	Usage       usage     `json:"usage"`
	Fingerprint string    `json:"system_fingerprint"`
	WebChasor   *metadata `json:"webchasor,omitempty"`
}

type choice struct {
	Index        int           `json:"index"`
	Message      answerMessage `json:"message"`
	Logprobs     *struct{}     `json:"logprobs"`
	FinishReason string        `json:"finish_reason"`
}

type answerMessage struct {
	Role    string  `json:"role"`
	Content string  `json:"content"`
	Refusal *string `json:"refusal"`
}

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// metadata is what we add to OpenAI's objects.
type metadata struct {
	Notice string `json:"notice"`
}

func (a Answer) usage() usage {
	return usage{a.PromptTokens, a.CompletionTokens, a.PromptTokens + a.CompletionTokens}
}

// chat answers POST /v1/chat/completions for a built-in model.
func (s *server) chat(ctx *fasthttp.RequestCtx, provider Provider, model Model, p *limit.Permit) (streaming bool) {
	r, e := s.readRequest(ctx)
	if e != nil {
		writeError(ctx, e)
		return false
	}
	r.Model = model.ID
	if model.Notice != "" {
		ctx.Response.Header.Set(headerNotice, model.Notice)
	}
	if r.Stream {
		s.startStream(ctx, provider, model, r, p)
		return true
	}
	s.complete(ctx, provider, model, r)
	return false
}

// readRequest reads the body, and the headers that override the settings.
func (s *server) readRequest(ctx *fasthttp.RequestCtx) (*Request, *Error) {
	pace := s.echo
	if e := overrideFromHeaders(&pace, func(name string) string { return string(ctx.Request.Header.Peek(name)) }); e != nil {
		return nil, e
	}
	return parseRequest(ctx.PostBody(), pace)
}

func (s *server) complete(ctx *fasthttp.RequestCtx, provider Provider, model Model, r *Request) {
	alive := s.host.requestContext(ctx)
	answer, err := provider.Complete(alive, r)
	if err != nil {
		if alive.Err() != nil {
			s.ended(ctx, context.Cause(alive))
			return
		}
		writeError(ctx, s.providerError(model.ID, err))
		return
	}
	c := completion{
		ID: s.newID(), Object: "chat.completion", Created: s.now().Unix(), Model: model.ID,
		Choices: []choice{{
			Message:      answerMessage{Role: "assistant", Content: answer.Text},
			FinishReason: answer.FinishReason,
		}},
		Usage:       answer.usage(),
		Fingerprint: model.Fingerprint,
	}
	if model.Notice != "" {
		c.WebChasor = &metadata{Notice: model.Notice}
	}
	writeJSON(ctx, fasthttp.StatusOK, c)
}

// providerError returns what the client is told about err.
func (s *server) providerError(model string, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	s.log.Error("the model provider failed", zap.String("model", model), zap.Error(err))
	return errProvider()
}
