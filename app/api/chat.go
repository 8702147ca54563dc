package api

import (
	"context"
	"errors"
	"strings"

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

// chat answers POST /v1/chat/completions. The permit comes before the parser,
// so that a full server refuses at once, whatever the size of the request.
func (s *server) chat(ctx *fasthttp.RequestCtx) {
	p := s.admit(ctx, limit.Want{LLM: true})
	if p == nil {
		return
	}
	streaming := false
	defer func() {
		if !streaming {
			p.Release()
		}
	}()
	r, e := s.readRequest(ctx)
	if e != nil {
		writeError(ctx, e)
		return
	}
	provider, model, e := s.choose(r.Model)
	if e != nil {
		writeError(ctx, e)
		return
	}
	r.Model = model.ID
	if model.Notice != "" {
		ctx.Response.Header.Set(headerNotice, model.Notice)
	}
	if r.Stream {
		streaming = true // the stream releases the permit now
		s.startStream(ctx, provider, model, r, p)
		return
	}
	s.complete(ctx, provider, model, r)
}

// readRequest checks body and headers. The content type is not looked at:
// curl's default is a form, and everybody forgets it.
func (s *server) readRequest(ctx *fasthttp.RequestCtx) (*Request, *Error) {
	if enc := ctx.Request.Header.ContentEncoding(); len(enc) > 0 && !strings.EqualFold(string(enc), "identity") {
		return nil, &Error{
			Status: fasthttp.StatusUnsupportedMediaType, Type: typeInvalid, Code: "unsupported_content_encoding",
			Message: "The request body must not be compressed.",
		}
	}
	body := ctx.PostBody()
	if len(body) > maxBody {
		return nil, errTooLarge()
	}
	pace := s.echo
	if e := overrideFromHeaders(&pace, func(name string) string { return string(ctx.Request.Header.Peek(name)) }); e != nil {
		return nil, e
	}
	return parseRequest(body, pace)
}

// choose finds a model by its id; "" is the default one.
func (s *server) choose(id string) (Provider, Model, *Error) {
	for _, m := range s.models {
		if m.ID == id || id == "" {
			return s.byModel[m.ID], m, nil
		}
	}
	return nil, Model{}, errModel(id)
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
