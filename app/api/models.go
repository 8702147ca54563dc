package api

import (
	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app/api/limit"
)

// Model is an entry of GET /v1/models.
type Model struct {
	ID      string
	Created int64 // Unix seconds
	OwnedBy string
	// Fingerprint is the system_fingerprint of its answers.
	Fingerprint string
	// Notice is what a reader of the model's answers should know. It is sent
	// with each of them, as a header and a field.
	Notice string
}

type modelObject struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func (m Model) object() modelObject {
	return modelObject{ID: m.ID, Object: "model", Created: m.Created, OwnedBy: m.OwnedBy}
}

func (s *server) listModels(ctx *fasthttp.RequestCtx) {
	p := s.admit(ctx, limit.Want{})
	if p == nil {
		return
	}
	defer p.Release()
	type list struct {
		Object string        `json:"object"`
		Data   []modelObject `json:"data"`
	}
	all := list{Object: "list", Data: make([]modelObject, 0, len(s.models))}
	for _, m := range s.models {
		all.Data = append(all.Data, m.object())
	}
	writeJSON(ctx, fasthttp.StatusOK, all)
}

func (s *server) oneModel(ctx *fasthttp.RequestCtx, id string) {
	p := s.admit(ctx, limit.Want{})
	if p == nil {
		return
	}
	defer p.Release()
	for _, m := range s.models {
		if m.ID == id {
			writeJSON(ctx, fasthttp.StatusOK, m.object())
			return
		}
	}
	writeError(ctx, errModel(id))
}
