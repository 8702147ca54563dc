package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/textproto"
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"github.com/webchasor/webchasor/app/api/cache"
	"github.com/webchasor/webchasor/app/api/keys"
	"github.com/webchasor/webchasor/internal/config"
)

const headerCache = "X-Cache"

// newCache returns nil when the cache is off.
//
// timeout is the server's: who waits for the answer to an equal request waits as long
// as for an upstream.
func newCache(s config.API, timeout time.Duration, log *zap.Logger) (*cache.Cache, error) {
	c := cache.Config{
		MaxBytes: s.Cache.MaxSize, MaxEntry: s.Cache.MaxEntry, TTL: s.Cache.TTL, Shared: s.Cache.Shared,
		Namespace: namespaceOf(s.OpenAI), Headers: meaningful(s.OpenAI),
		Wait: silence(timeout),
	}
	switch s.Cache.Store {
	case "memory":
	case "redis":
		c.Redis, c.RedisTimeout = s.Limits.Redis.Reveal(), s.Limits.RedisTimeout
	default:
		return nil, nil //nolint:nilnil // off is no mistake
	}
	return cache.New(c, log)
}

// namespaceOf tells apart services whose models mean something else: two of them may
// use one Redis, and in a reload two generations do. It names whatever decides who answers
// for a model and what that one is sent, but no key: a new key is no new answer.
func namespaceOf(s config.OpenAI) string {
	type provider struct {
		BaseURL        string
		Models         []string
		Rename         map[string]string
		Headers        map[string]string
		ForwardHeaders []string
		Priority       int
	}
	all := []provider{}
	for _, u := range s.All() {
		all = append(all, provider{
			BaseURL: u.BaseURL, Models: u.Models, Rename: u.Rename, Headers: u.Headers,
			ForwardHeaders: u.ForwardHeaders, Priority: u.Priority,
		})
	}
	text, _ := json.Marshal(all) // strings and numbers always can be; maps are sorted
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// meaningful lists the client's headers by which an upstream may answer: those that
// the settings forward, and the one of the usual ones that changes what is done.
func meaningful(s config.OpenAI) []string {
	all := []string{"Openai-Beta"}
	for _, u := range s.All() {
		for _, name := range u.ForwardHeaders {
			all = append(all, textproto.CanonicalMIMEHeaderKey(name))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// answerKept answers a request from the cache if it can; then it returns true.
// Else fill takes the answer that is fetched now; it has to be closed. It needs no
// permit: who only repeats costs no upstream.
func (s *server) answerKept(ctx *fasthttp.RequestCtx, at *endpoint, client *keys.Key) (fill *cache.Fill, answered bool) {
	fill = &cache.Fill{} // of no duty
	if s.cache == nil {
		return fill, false
	}
	key, ok := s.cache.Key(cache.Request{Path: at.path, Client: client.Name, Body: bytes.Clone(ctx.PostBody()), Header: headerOf(ctx)})
	if !ok {
		ctx.Response.Header.Set(headerCache, cache.Bypass)
		return fill, false
	}
	alive := s.host.requestContext(ctx)
	entry, fill := s.cache.Find(alive, key, func() { s.host.progress(ctx) })
	if entry == nil {
		s.host.progress(ctx) // its own work begins now
		if alive.Err() != nil {
			fill.Close()
			s.ended(ctx, context.Cause(alive))
			return fill, true
		}
		ctx.Response.Header.Set(headerCache, cache.Miss)
		return fill, false
	}
	if entry.Stream {
		eventStream(ctx)
	}
	ctx.SetContentType(entry.ContentType)
	ctx.Response.Header.Set(headerCache, cache.Hit)
	ctx.Response.Header.Set(fasthttp.HeaderAge, strconv.Itoa(entry.Age(s.now())))
	ctx.Response.SetBodyRaw(entry.Body)
	return nil, true
}
