package api

import (
	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app/api/cache"
	"github.com/webchasor/webchasor/app/api/limit"
)

// endpoint is a POST endpoint whose requests name a model.
type endpoint struct {
	path  string // under /v1 here, and under an upstream's base URL
	needs string // the field without which nothing can be answered
	// event is the last event of a stream that failed.
	event func(*Error) []byte
	// local answers for a built-in model; nil is not supported. It returns whether a
	// stream took the permit over.
	local func(*server, *fasthttp.RequestCtx, Provider, Model, *limit.Permit) (streaming bool)
}

var (
	chatEndpoint        = endpoint{path: "/chat/completions", needs: "messages", event: errorData, local: (*server).chat}
	completionsEndpoint = endpoint{path: "/completions", event: errorData, local: (*server).completions}
	embeddingsEndpoint  = endpoint{path: "/embeddings", needs: "input", event: errorData, local: (*server).embeddings}
	responsesEndpoint   = endpoint{path: "/responses", event: responsesError}
)

// ask answers a request to a model. The permit comes before any mistake of the
// client is told, so that a full server refuses at once whatever it is asked.
func (s *server) ask(ctx *fasthttp.RequestCtx, at *endpoint) {
	client := s.client(ctx)
	if client == nil {
		return
	}
	h, e := s.readHead(ctx, at.needs)
	var provider Provider
	var model Model
	if e == nil {
		provider, model, e = s.choose(h.model)
	}
	if e == nil && !client.May(model.ID) {
		e = errForbiddenModel(model.ID)
	}
	fill := &cache.Fill{}
	if e == nil && provider == nil {
		var answered bool
		if fill, answered = s.answerKept(ctx, at, client); answered {
			return
		}
	}
	named := "" // a name that nobody serves must not take a place among the limits
	if e == nil {
		named = model.ID
	}
	p := s.admit(ctx, limit.Want{LLM: true, Key: client.Name, Model: named})
	if p == nil {
		fill.Close()
		return
	}
	streaming := false
	defer func() {
		if !streaming {
			fill.Close()
			p.Release()
		}
	}()
	switch {
	case e != nil:
		writeError(ctx, e)
	case provider == nil:
		streaming = s.pass(ctx, at, h, p, fill)
	case at.local == nil:
		writeError(ctx, invalid("model", "unsupported_model", "The model '%s' does not support this endpoint.", model.ID))
	default:
		streaming = at.local(s, ctx, provider, model, p)
	}
}

// choose finds who answers for a model: a built-in provider, or nil for an upstream.
func (s *server) choose(id string) (Provider, Model, *Error) {
	if id == "" {
		if s.router != nil || len(s.models) == 0 {
			return nil, Model{}, invalid("model", "missing_required_parameter", "Missing required parameter: 'model'.")
		}
		id = s.models[0].ID
	}
	for _, m := range s.models {
		if m.ID == id {
			return s.byModel[m.ID], m, nil
		}
	}
	if s.router != nil && s.router.Serves(id) {
		return nil, Model{ID: id}, nil
	}
	return nil, Model{}, errModel(id)
}
