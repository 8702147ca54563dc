package api

import (
	"bytes"
	"encoding/json"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app/api/limit"
	"github.com/webchasor/webchasor/app/api/upstream"
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
	all, ok := s.catalog(ctx)
	if !ok {
		return
	}
	if all == nil {
		all = []any{}
	}
	writeJSON(ctx, fasthttp.StatusOK, struct {
		Object string `json:"object"`
		Data   []any  `json:"data"`
	}{"list", all})
}

func (s *server) oneModel(ctx *fasthttp.RequestCtx, id string) {
	all, ok := s.catalog(ctx)
	if !ok {
		return
	}
	for _, m := range all {
		if idOf(m) == id {
			writeJSON(ctx, fasthttp.StatusOK, m)
			return
		}
	}
	writeError(ctx, errModel(id))
}

// catalog lists the models that the client may use: ours, and what the upstreams
// say of theirs, in their own words. With false it has made the response.
func (s *server) catalog(ctx *fasthttp.RequestCtx) ([]any, bool) {
	client := s.client(ctx)
	if client == nil {
		return nil, false
	}
	p := s.admit(ctx, limit.Want{Key: client.Name})
	if p == nil {
		return nil, false
	}
	defer p.Release()
	var all []any
	for _, m := range s.models {
		if client.May(m.ID) {
			all = append(all, m.object())
		}
	}
	if s.router == nil {
		return all, true
	}
	theirs, err := s.router.Discover(s.host.requestContext(ctx))
	if err != nil {
		s.passError(ctx, "", err)
		return nil, false
	}
	for _, m := range theirs {
		if client.May(m.ID) && s.byModel[m.ID] == nil {
			all = append(all, describe(m))
		}
	}
	return all, true
}

// foreignModel is a model of an upstream with all that it says of it.
type foreignModel map[string]any

// describe is the upstream's own description under the name that clients use.
func describe(m upstream.Model) any {
	f := foreignModel{}
	d := json.NewDecoder(bytes.NewReader(m.Raw))
	d.UseNumber() // a number stays as it was written
	if len(m.Raw) == 0 || d.Decode(&f) != nil || f == nil {
		return modelObject{ID: m.ID, Object: "model", OwnedBy: m.Upstream}
	}
	f["id"] = m.ID
	return f
}

func idOf(m any) string {
	switch m := m.(type) {
	case modelObject:
		return m.ID
	case foreignModel:
		id, _ := m["id"].(string)
		return id
	}
	return ""
}
