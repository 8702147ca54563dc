package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/webchasor/webchasor/internal/config"
)

// wireRequest is what is read of a request body. Fields that are not here are
// ignored, because clients send many that an echo has no use for.
type wireRequest struct {
	Model               *string           `json:"model"`
	Messages            []json.RawMessage `json:"messages"`
	Stream              bool              `json:"stream"`
	StreamOptions       *streamOptions    `json:"stream_options"`
	N                   *int64            `json:"n"`
	MaxTokens           *int64            `json:"max_tokens"`
	MaxCompletionTokens *int64            `json:"max_completion_tokens"`
	Temperature         *float64          `json:"temperature"`
	TopP                *float64          `json:"top_p"`
	WebChasor           json.RawMessage   `json:"webchasor"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// parseRequest reads and checks a request body. echo are the settings that the
// request may override. A model that is not named is left empty. Text that is not
// valid UTF-8 is repaired by encoding/json, so the result always is.
func parseRequest(body []byte, echo config.Echo) (*Request, *Error) {
	var w wireRequest
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, jsonError("", err)
	}
	r := &Request{Stream: w.Stream, Temperature: w.Temperature, TopP: w.TopP, Echo: echo}
	if w.Model != nil {
		if *w.Model == "" {
			return nil, invalid("model", "invalid_value", "Invalid 'model': it must not be empty.")
		}
		r.Model = *w.Model
	}
	if e := checkCommon(&w); e != nil {
		return nil, e
	}
	r.IncludeUsage = w.StreamOptions != nil && w.StreamOptions.IncludeUsage
	var e *Error
	if r.MaxTokens, e = maxTokens(&w); e != nil {
		return nil, e
	}
	if r.Messages, e = parseMessages(w.Messages); e != nil {
		return nil, e
	}
	if e := overrideFromBody(&r.Echo, w.WebChasor); e != nil {
		return nil, e
	}
	return r, nil
}

// checkCommon checks what chat completions and completions share.
func checkCommon(w *wireRequest) *Error {
	if w.StreamOptions != nil && !w.Stream {
		return invalid("stream_options", "invalid_value", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	}
	if w.N != nil && *w.N != 1 {
		return invalid("n", "unsupported_value", "Invalid 'n': only 1 is supported, but got %d.", *w.N)
	}
	if e := checkRange("temperature", w.Temperature, 2); e != nil {
		return e
	}
	return checkRange("top_p", w.TopP, 1)
}

func checkRange(name string, v *float64, most float64) *Error {
	if v == nil || *v >= 0 && *v <= most {
		return nil
	}
	return invalid(name, "invalid_value", "Invalid '%s': it must be between 0 and %g, but got %g.", name, most, *v)
}

// maxTokens prefers the newer of the two names.
func maxTokens(w *wireRequest) (int, *Error) {
	name, v := "max_completion_tokens", w.MaxCompletionTokens
	if v == nil {
		name, v = "max_tokens", w.MaxTokens
	}
	if v == nil {
		return 0, nil
	}
	if *v < 1 {
		return 0, invalid(name, "invalid_value", "Invalid '%s': it must be at least 1, but got %d.", name, *v)
	}
	return int(min(*v, math.MaxInt32)), nil
}

var roles = []string{"system", "developer", "user", "assistant", "tool", "function"}

func parseMessages(raw []json.RawMessage) ([]Message, *Error) {
	if raw == nil {
		return nil, invalid("messages", "missing_required_parameter", "Missing required parameter: 'messages'.")
	}
	if len(raw) == 0 {
		return nil, invalid("messages", "invalid_value", "Invalid 'messages': it must hold at least one message.")
	}
	all := make([]Message, 0, len(raw))
	for i, m := range raw {
		message, e := parseMessage(fmt.Sprintf("messages[%d]", i), m)
		if e != nil {
			return nil, e
		}
		all = append(all, message)
	}
	return all, nil
}

func parseMessage(at string, raw json.RawMessage) (Message, *Error) {
	var w struct {
		Role    *string         `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if isNull(raw) {
		return Message{}, invalid(at, "invalid_type", "Invalid type for '%s': expected an object, but got null instead.", at)
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return Message{}, jsonError(at, err)
	}
	if w.Role == nil {
		return Message{}, invalid(at+".role", "missing_required_parameter", "Missing required parameter: '%s.role'.", at)
	}
	if !slices.Contains(roles, *w.Role) {
		return Message{}, invalid(at+".role", "invalid_value", "Invalid value: '%s'. Supported values are: '%s'.",
			shorten(*w.Role), strings.Join(roles, "', '"))
	}
	if isNull(w.Content) {
		// An assistant message may consist of tool calls alone.
		if *w.Role == "assistant" || *w.Role == "function" {
			return Message{Role: *w.Role}, nil
		}
		return Message{}, invalid(at+".content", "missing_required_parameter", "Missing required parameter: '%s.content'.", at)
	}
	text, e := parseContent(at+".content", w.Content)
	return Message{Role: *w.Role, Text: text}, e
}

// parseContent reads a string or an array of parts and returns its text.
func parseContent(at string, raw json.RawMessage) (string, *Error) {
	switch raw[0] {
	case '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", jsonError(at, err)
		}
		return text, nil
	case '[':
	default:
		return "", invalid(at, "invalid_type", "Invalid type for '%s': expected a string or an array of parts.", at)
	}
	var parts []*struct {
		Type *string `json:"type"`
		Text *string `json:"text"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return "", jsonError(at, err)
	}
	var text strings.Builder
	for i, p := range parts {
		switch {
		case p == nil || p.Type == nil:
			return "", invalid(fmt.Sprintf("%s[%d].type", at, i), "missing_required_parameter", "Missing required parameter: '%s[%d].type'.", at, i)
		case *p.Type != "text": // an image, a file: nothing to repeat
		case p.Text == nil:
			return "", invalid(fmt.Sprintf("%s[%d].text", at, i), "missing_required_parameter", "Missing required parameter: '%s[%d].text'.", at, i)
		default:
			text.WriteString(*p.Text)
		}
	}
	return text.String(), nil
}

// isNull says whether a value was null or not there.
func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(raw, []byte("null"))
}

// jsonError translates an error of encoding/json; at is where the decoded
// value stands in the request.
func jsonError(at string, err error) *Error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return invalid(at, "invalid_json", "We could not parse the JSON body of your request: %s.", strings.TrimPrefix(err.Error(), "json: "))
	}
	param := strings.Trim(at+"."+wrong.Field, ".")
	got, _, _ := strings.Cut(wrong.Value, " ")
	if param == "" {
		return invalid("", "invalid_type", "The request body must be a JSON object, but it is %s.", withArticle(got))
	}
	return invalid(param, "invalid_type", "Invalid type for '%s': expected %s, but got %s instead.", param, expected(wrong.Type), withArticle(got))
}

func expected(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Int64, reflect.Int:
		return "an integer"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "an array"
	default:
		return "an object"
	}
}

func withArticle(kind string) string {
	switch kind {
	case "bool":
		return "a boolean"
	case "array", "object":
		return "an " + kind
	default:
		return "a " + kind
	}
}
