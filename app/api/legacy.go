package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app/api/limit"
)

// textsOf reads a field that is a string or a list of strings. Lists of token
// numbers are not understood: the echo has no tokenizer to undo them.
func textsOf(field string, raw json.RawMessage) ([]string, *Error) {
	if isNull(raw) {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, invalid(field, "invalid_type", "Invalid type for '%s': expected a string or an array of strings.", field)
	}
	if len(list) == 0 {
		return nil, invalid(field, "invalid_value", "Invalid '%s': it must hold at least one text.", field)
	}
	return list, nil
}

// completions answers POST /v1/completions for a built-in model, as a chat of one message.
func (s *server) completions(ctx *fasthttp.RequestCtx, provider Provider, model Model, p *limit.Permit) bool {
	var w struct {
		wireRequest
		Prompt json.RawMessage `json:"prompt"`
	}
	if err := json.Unmarshal(ctx.PostBody(), &w); err != nil {
		writeError(ctx, jsonError("", err))
		return false
	}
	prompts, e := textsOf("prompt", w.Prompt)
	if e == nil && len(prompts) > 1 {
		e = invalid("prompt", "unsupported_value", "Invalid 'prompt': only one is supported, but got %d.", len(prompts))
	}
	r := &Request{Model: model.ID, Stream: w.Stream, Temperature: w.Temperature, TopP: w.TopP, Echo: s.echo}
	if e == nil {
		e = checkCommon(&w.wireRequest)
	}
	if e == nil {
		r.MaxTokens, e = maxTokens(&w.wireRequest)
	}
	if e == nil {
		e = overrideFromHeaders(&r.Echo, func(name string) string { return string(ctx.Request.Header.Peek(name)) })
	}
	if e == nil {
		e = overrideFromBody(&r.Echo, w.WebChasor)
	}
	if e != nil {
		writeError(ctx, e)
		return false
	}
	r.Messages = []Message{{Role: "user", Text: strings.Join(prompts, "")}}
	r.IncludeUsage = w.StreamOptions != nil && w.StreamOptions.IncludeUsage
	if model.Notice != "" {
		ctx.Response.Header.Set(headerNotice, model.Notice)
	}
	if r.Stream {
		s.streamText(ctx, provider, model, r, p)
		return true
	}
	alive := s.host.requestContext(ctx)
	answer, err := provider.Complete(alive, r)
	if err != nil {
		if alive.Err() != nil {
			s.ended(ctx, context.Cause(alive))
		} else {
			writeError(ctx, s.providerError(model.ID, err))
		}
		return false
	}
	writeJSON(ctx, fasthttp.StatusOK, s.textCompletion(model, answer.Text, answer.FinishReason, new(answer.usage())))
	return false
}

// text is a text_completion object, whole or a chunk of a stream.
type text struct {
	ID          string       `json:"id"`
	Object      string       `json:"object"`
	Created     int64        `json:"created"`
	Model       string       `json:"model"`
	Choices     []textChoice `json:"choices"`
	Usage       *usage       `json:"usage,omitempty"`
	Fingerprint string       `json:"system_fingerprint"`
}

type textChoice struct {
	Index        int       `json:"index"`
	Text         string    `json:"text"`
	Logprobs     *struct{} `json:"logprobs"`
	FinishReason *string   `json:"finish_reason"`
}

func (s *server) textCompletion(model Model, words, finish string, cost *usage) text {
	c := textChoice{Text: words}
	if finish != "" {
		c.FinishReason = &finish
	}
	return text{
		ID: strings.Replace(s.newID(), "chatcmpl", "cmpl", 1), Object: "text_completion", Created: s.now().Unix(),
		Model: model.ID, Choices: []textChoice{c}, Usage: cost, Fingerprint: model.Fingerprint,
	}
}

// streamText is startStream for completions.
func (s *server) streamText(ctx *fasthttp.RequestCtx, provider Provider, model Model, r *Request, p *limit.Permit) {
	eventStream(ctx)
	never := context.AfterFunc(s.host.requestContext(ctx), p.Release)
	whole := s.textCompletion(model, "", "", nil)
	s.host.stream(ctx, func(alive context.Context, w Writer) error {
		never()
		defer p.Release()
		out := newPassWriter(w, s.heartbeat)
		defer out.stop()
		e := events{out: out}
		chunk := func(c textChoice, cost *usage) error {
			whole.Choices, whole.Usage = []textChoice{c}, cost
			if cost != nil {
				whole.Choices = []textChoice{}
			}
			body, err := json.Marshal(whole)
			if err != nil {
				return err
			}
			return e.send(fmt.Appendf(nil, "data: %s\n\n", body))
		}
		answer, err := provider.Stream(alive, r, func(piece string) error { return chunk(textChoice{Text: piece}, nil) })
		if err == nil {
			err = chunk(textChoice{FinishReason: &answer.FinishReason}, nil)
		}
		if err == nil && r.IncludeUsage {
			err = chunk(textChoice{}, new(answer.usage()))
		}
		if err == nil {
			return e.send([]byte("data: [DONE]\n\n"))
		}
		return s.failStream(alive, &e, model, err)
	})
}

// echoDimensions is the length of the echo's embeddings unless the request says otherwise.
const (
	echoDimensions    = 256
	maxEchoDimensions = 4096
	maxEchoInputs     = 2048
)

// embeddings answers POST /v1/embeddings for a built-in model: vectors of length 1
// that are the same for the same text and know nothing of its meaning.
func (s *server) embeddings(ctx *fasthttp.RequestCtx, _ Provider, model Model, _ *limit.Permit) bool {
	var w struct {
		Input      json.RawMessage `json:"input"`
		Dimensions *int            `json:"dimensions"`
		Encoding   string          `json:"encoding_format"`
	}
	if err := json.Unmarshal(ctx.PostBody(), &w); err != nil {
		writeError(ctx, jsonError("", err))
		return false
	}
	texts, e := textsOf("input", w.Input)
	size := echoDimensions
	if w.Dimensions != nil {
		size = *w.Dimensions
	}
	switch {
	case e != nil:
	case len(texts) > maxEchoInputs:
		e = invalid("input", "invalid_value", "Invalid 'input': at most %d texts are allowed, but got %d.", maxEchoInputs, len(texts))
	case size < 1 || size > maxEchoDimensions:
		e = invalid("dimensions", "invalid_value", "Invalid 'dimensions': it must be between 1 and %d, but got %d.", maxEchoDimensions, size)
	case w.Encoding != "" && w.Encoding != "float" && w.Encoding != "base64":
		e = invalid("encoding_format", "invalid_value", "Invalid 'encoding_format': it must be float or base64.")
	}
	if e != nil {
		writeError(ctx, e)
		return false
	}
	type embedding struct {
		Object    string `json:"object"`
		Index     int    `json:"index"`
		Embedding any    `json:"embedding"`
	}
	type cost struct {
		Prompt int `json:"prompt_tokens"`
		Total  int `json:"total_tokens"`
	}
	answer := struct {
		Object string      `json:"object"`
		Data   []embedding `json:"data"`
		Model  string      `json:"model"`
		Usage  cost        `json:"usage"`
	}{Object: "list", Model: model.ID, Data: make([]embedding, 0, len(texts))}
	for i, words := range texts {
		vector := embed(words, size)
		one := embedding{Object: "embedding", Index: i, Embedding: vector}
		if w.Encoding == "base64" {
			one.Embedding = packed(vector)
		}
		answer.Data = append(answer.Data, one)
		answer.Usage.Prompt += countTokens(words)
	}
	answer.Usage.Total = answer.Usage.Prompt
	if model.Notice != "" {
		ctx.Response.Header.Set(headerNotice, model.Notice)
	}
	writeJSON(ctx, fasthttp.StatusOK, answer)
	return false
}

// embed draws a vector of length 1 from the hash of a text.
func embed(words string, size int) []float32 {
	sum := sha256.Sum256([]byte(words))
	v := make([]float32, size)
	var square float64
	for i := range v {
		if at := i % (len(sum) / 2); at == 0 && i > 0 {
			sum = sha256.Sum256(sum[:])
		}
		at := i % (len(sum) / 2) * 2
		v[i] = float32(binary.BigEndian.Uint16(sum[at:]))/math.MaxUint16*2 - 1
		square += float64(v[i]) * float64(v[i])
	}
	if square == 0 {
		v[0], square = 1, 1
	}
	length := float32(math.Sqrt(square))
	for i := range v {
		v[i] /= length
	}
	return v
}

// packed is what encoding_format base64 means: little-endian float32.
func packed(vector []float32) string {
	raw := make([]byte, 0, 4*len(vector))
	for _, x := range vector {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(raw)
}
