package api

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app/api/keys"
)

// anonymous is the client when no keys are configured. It may do everything.
var anonymous = &keys.Key{}

// client finds out whose request it is. nil means that the response says why
// it is nobody's.
func (s *server) client(ctx *fasthttp.RequestCtx) *keys.Key {
	if s.keys.Empty() {
		return anonymous
	}
	token := bearer(ctx.Request.Header.Peek(fasthttp.HeaderAuthorization))
	if key := s.keys.Find(token); key != nil {
		return key
	}
	ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, "Bearer")
	writeError(ctx, errKey(len(token) == 0))
	return nil
}

// bearer is the token of an Authorization header.
func bearer(header []byte) []byte {
	const scheme = "Bearer "
	if len(header) < len(scheme) || !bytes.EqualFold(header[:len(scheme)], []byte(scheme)) {
		return nil
	}
	return bytes.TrimSpace(header[len(scheme):])
}

// errKey never repeats the key, not even in part: it may be one of ours with a typo.
func errKey(missing bool) *Error {
	e := &Error{
		Status: fasthttp.StatusUnauthorized, Type: typeInvalid, Code: "invalid_api_key",
		Message: "Incorrect API key provided. Ask the operator of this service for one.",
	}
	if missing {
		e.Message = "You didn't provide an API key. Provide it in an Authorization header with the scheme Bearer (Authorization: Bearer YOUR_KEY)."
	}
	return e
}

func errForbiddenModel(id string) *Error {
	return &Error{
		Status: fasthttp.StatusForbidden, Type: typeInvalid, Param: "model", Code: "model_not_found",
		Message: "This API key does not have access to the model '" + shorten(id) + "'. GET /v1/models lists those it has.",
	}
}
