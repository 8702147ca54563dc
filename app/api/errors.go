package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app/api/limit"
)

// Error is an error that the client sees, in OpenAI's envelope. A [Provider]
// returns one to choose the status and the words; any other error of a
// provider becomes 502 and only the log says what it was.
type Error struct {
	Status     int // HTTP status
	Message    string
	Type       string // invalid_request_error, server_error, ...
	Param      string // the request field to blame; empty is null
	Code       string // machine-readable reason; empty is null
	RetryAfter int    // seconds for the Retry-After header; 0 is none
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// MarshalJSON returns the envelope {"error":{...}}.
func (e *Error) MarshalJSON() ([]byte, error) {
	type body struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	orNull := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return json.Marshal(map[string]body{"error": {e.Message, e.Type, orNull(e.Param), orNull(e.Code)}})
}

const (
	typeInvalid = "invalid_request_error"
	typeServer  = "server_error"
)

// retrySoon is the Retry-After of answers that another worker, or this one a
// moment later, can do better. Clients add their own jitter.
const retrySoon = 1

// statusClientGone is nginx's 499, for the access log: nobody reads the answer.
const statusClientGone = 499

func invalid(param, code, format string, args ...any) *Error {
	return &Error{Status: fasthttp.StatusBadRequest, Message: fmt.Sprintf(format, args...), Type: typeInvalid, Param: param, Code: code}
}

func errUnknownURL(method, path string) *Error {
	return &Error{
		Status: fasthttp.StatusNotFound, Type: typeInvalid, Code: "unknown_url",
		Message: fmt.Sprintf("Unknown request URL: %s %s. GET / lists the endpoints.", shorten(method), shorten(path)),
	}
}

func errMethod(method, path string) *Error {
	return &Error{
		Status: fasthttp.StatusMethodNotAllowed, Type: typeInvalid, Code: "method_not_supported",
		Message: fmt.Sprintf("Not allowed to %s on %s.", shorten(method), shorten(path)),
	}
}

func errModel(id string) *Error {
	return &Error{
		Status: fasthttp.StatusNotFound, Type: typeInvalid, Param: "model", Code: "model_not_found",
		Message: fmt.Sprintf("The model '%s' does not exist. GET /v1/models lists the models.", shorten(id)),
	}
}

func errTooLarge(limit int) *Error {
	return &Error{
		Status: fasthttp.StatusRequestEntityTooLarge, Type: typeInvalid, Code: "request_too_large",
		Message: fmt.Sprintf("The request body is larger than %d bytes.", limit),
	}
}

func errFull(reason string) *Error {
	return &Error{
		Status: fasthttp.StatusServiceUnavailable, Type: typeServer, Code: "server_is_overloaded", RetryAfter: retrySoon,
		Message: "The server is full: " + reason + ". Please try again later.",
	}
}

// errRefused is [errFull] with the status that the limit wants.
func errRefused(err error) *Error {
	e := errFull(err.Error())
	if why, ok := errors.AsType[*limit.Refusal](err); ok {
		e.Status, e.RetryAfter = why.Status, max(int(why.RetryAfter.Seconds()), 1)
	}
	if e.Status == fasthttp.StatusTooManyRequests {
		e.Type, e.Code = "requests", "rate_limit_exceeded"
	}
	return e
}

func errDraining() *Error {
	return &Error{
		Status: fasthttp.StatusServiceUnavailable, Type: typeServer, Code: "server_draining", RetryAfter: retrySoon,
		Message: "The server is being replaced and could not finish this request in time. Please try again.",
	}
}

func errTimedOut() *Error {
	return &Error{
		Status: fasthttp.StatusServiceUnavailable, Type: "timeout", Code: "request_timeout", RetryAfter: retrySoon,
		Message: "The request made no progress in time and was ended. Please try again.",
	}
}

func errProvider() *Error {
	return &Error{
		Status: fasthttp.StatusBadGateway, Type: typeServer, Code: "provider_error",
		Message: "The model provider failed to answer. Please try again.",
	}
}

// interrupted translates the cause of an ended context. nil means that the
// client is gone and nobody has to be told.
func (s *server) interrupted(cause error) *Error {
	switch {
	case s.host.errTimeout != nil && errors.Is(cause, s.host.errTimeout),
		errors.Is(cause, context.DeadlineExceeded):
		return errTimedOut()
	case s.host.errDraining != nil && errors.Is(cause, s.host.errDraining):
		return errDraining()
	default:
		return nil
	}
}

// writeError makes e the response. Headers that were set before stay.
func writeError(ctx *fasthttp.RequestCtx, e *Error) {
	if e.RetryAfter > 0 {
		ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(e.RetryAfter))
	}
	writeJSON(ctx, e.Status, e)
}

// writeJSON makes v the response.
func writeJSON(ctx *fasthttp.RequestCtx, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		// Every value that comes here is our own plain data.
		status, body = fasthttp.StatusInternalServerError, []byte(`{"error":{"message":"cannot encode the answer","type":"server_error","param":null,"code":null}}`)
	}
	ctx.Response.ResetBody()
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(body)
}

// shorten bounds text of the client that is repeated in a message.
func shorten(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
