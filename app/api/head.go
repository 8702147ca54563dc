package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fasthttp"
)

// head is what has to be known of a request before anybody is asked.
type head struct {
	model  string // "" when it names none
	stream bool
	fields map[string]json.RawMessage // all of it, by name
}

// readHead checks what every endpoint demands of a body. All else is the
// upstream's business: fields that we do not know are passed on as they are.
// With an error the head is still what could be read of it.
func (s *server) readHead(ctx *fasthttp.RequestCtx, needs string) (head, *Error) {
	var h head
	if e := s.checkTransport(ctx); e != nil {
		return h, e
	}
	body := ctx.PostBody()
	if !utf8.Valid(body) {
		return h, invalid("", "invalid_json", "The body of your request is not valid UTF-8.")
	}
	if err := json.Unmarshal(body, &h.fields); err != nil {
		return h, jsonError("", err)
	}
	if h.fields == nil {
		return h, invalid("", "invalid_type", "The request body must be a JSON object, but it is null.")
	}
	if e := h.read(); e != nil {
		return h, e
	}
	raw, there := h.fields[needs]
	switch {
	case needs == "":
	case !there || isNull(raw):
		return h, invalid(needs, "missing_required_parameter", "Missing required parameter: '%s'.", needs)
	case needs == "messages" && raw[0] != '[':
		return h, invalid(needs, "invalid_type", "Invalid type for 'messages': expected an array, but got %s instead.", withArticle(kindOf(raw)))
	case needs == "messages" && len(bytes.TrimSpace(raw[1:])) == 1:
		return h, invalid(needs, "invalid_value", "Invalid 'messages': it must hold at least one message.")
	}
	return h, nil
}

// checkTransport judges the body before it is parsed.
func (s *server) checkTransport(ctx *fasthttp.RequestCtx) *Error {
	h := &ctx.Request.Header
	if enc := h.ContentEncoding(); len(enc) > 0 && !strings.EqualFold(string(enc), "identity") {
		return &Error{
			Status: fasthttp.StatusUnsupportedMediaType, Type: typeInvalid, Code: "unsupported_content_encoding",
			Message: "The request body must not be compressed.",
		}
	}
	if !mayBeJSON(string(h.ContentType()), len(h.Peek(fasthttp.HeaderOrigin)) > 0) {
		return &Error{
			Status: fasthttp.StatusUnsupportedMediaType, Type: typeInvalid, Code: "unsupported_content_type",
			Message: "The request body must be JSON: send the header Content-Type: application/json, not '" + shorten(string(h.ContentType())) + "'.",
		}
	}
	if len(ctx.PostBody()) > s.maxBody {
		return errTooLarge(s.maxBody)
	}
	return nil
}

// mayBeJSON accepts every type that a JSON body is sent with in practice: curl -d
// calls it a form. A web page has to be exact, because a form is what a foreign page can
// send without asking first.
func mayBeJSON(contentType string, page bool) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	switch kind = strings.ToLower(strings.TrimSpace(kind)); {
	case kind == "application/json", strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"):
		return true
	case kind == "", kind == "application/x-www-form-urlencoded", kind == "application/octet-stream":
		return !page
	}
	return false
}

func (h *head) read() *Error {
	for name := range h.fields {
		// An upstream that ignores case would see another model than we do.
		if (strings.EqualFold(name, "model") && name != "model") || (strings.EqualFold(name, "stream") && name != "stream") {
			return invalid(name, "invalid_value", "Unknown parameter: '%s'. Did you mean '%s'?", name, strings.ToLower(name))
		}
	}
	if raw := h.fields["model"]; !isNull(raw) {
		if err := json.Unmarshal(raw, &h.model); err != nil {
			return invalid("model", "invalid_type", "Invalid type for 'model': expected a string, but got %s instead.", withArticle(kindOf(raw)))
		}
		if h.model == "" {
			return invalid("model", "invalid_value", "Invalid 'model': it must not be empty.")
		}
	}
	if raw := h.fields["stream"]; !isNull(raw) {
		if err := json.Unmarshal(raw, &h.stream); err != nil {
			return invalid("stream", "invalid_type", "Invalid type for 'stream': expected a boolean, but got %s instead.", withArticle(kindOf(raw)))
		}
	}
	return nil
}

// kindOf names the type of a JSON value as encoding/json does.
func kindOf(raw json.RawMessage) string {
	switch raw[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	default:
		return "number"
	}
}
