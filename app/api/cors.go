package api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
)

// exposed are the response headers that a web page may read beside the simple ones.
const exposed = "Retry-After, X-Request-Id, X-Cache, X-Webchasor-Notice, Openai-Processing-Ms, Openai-Version, " +
	"X-Ratelimit-Limit-Requests, X-Ratelimit-Limit-Tokens, X-Ratelimit-Remaining-Requests, X-Ratelimit-Remaining-Tokens, " +
	"X-Ratelimit-Reset-Requests, X-Ratelimit-Reset-Tokens"

// cors answers browsers that ask whether a page may call the API.
type cors struct {
	all     bool
	origins []string
	headers string // "" is whatever the page asks for
	maxAge  string
}

func newCORS(s config.CORS) cors {
	c := cors{all: slices.Contains(s.Origins, "*"), origins: s.Origins, maxAge: strconv.Itoa(int(s.MaxAge.Seconds()))}
	if !slices.Contains(s.Headers, "*") {
		c.headers = strings.Join(s.Headers, ", ")
	}
	return c
}

// allows says whether pages of an origin may call. Scheme and host have no case.
func (c *cors) allows(origin string) bool {
	return c.all || slices.ContainsFunc(c.origins, func(o string) bool { return strings.EqualFold(strings.TrimSuffix(o, "/"), origin) })
}

// handle sets the headers for a page, and answers a preflight request itself:
// then it returns true. Without configured origins it does nothing.
func (c *cors) handle(ctx *fasthttp.RequestCtx) (answered bool) {
	if len(c.origins) == 0 {
		return false
	}
	h := &ctx.Response.Header
	h.Add(fasthttp.HeaderVary, "Origin")
	origin := string(ctx.Request.Header.Peek(fasthttp.HeaderOrigin))
	if origin == "" {
		return false
	}
	preflight := ctx.IsOptions() && len(ctx.Request.Header.Peek(fasthttp.HeaderAccessControlRequestMethod)) > 0
	if !c.allows(origin) {
		if preflight {
			writeError(ctx, errOrigin(origin))
		}
		return preflight
	}
	if c.all {
		origin = "*"
	}
	h.Set(fasthttp.HeaderAccessControlAllowOrigin, origin)
	if !preflight {
		h.Set(fasthttp.HeaderAccessControlExposeHeaders, exposed)
		return false
	}
	headers := c.headers
	if headers == "" {
		// * would not stand for Authorization (fetch standard), so what was asked for is repeated.
		headers = string(ctx.Request.Header.Peek(fasthttp.HeaderAccessControlRequestHeaders))
		h.Add(fasthttp.HeaderVary, "Access-Control-Request-Headers")
	}
	h.Set(fasthttp.HeaderAccessControlAllowMethods, "GET, HEAD, POST")
	if headers != "" {
		h.Set(fasthttp.HeaderAccessControlAllowHeaders, headers)
	}
	h.Set(fasthttp.HeaderAccessControlMaxAge, c.maxAge)
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return true
}

func errOrigin(origin string) *Error {
	return &Error{
		Status: fasthttp.StatusForbidden, Type: typeInvalid, Code: "origin_not_allowed",
		Message: "Pages of " + shorten(origin) + " may not call this API: it is not in api.cors.origins.",
	}
}
