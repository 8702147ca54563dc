package api

import (
	"bytes"
	"context"
	"strconv"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"github.com/webchasor/webchasor/app/api/cache"
	"github.com/webchasor/webchasor/app/api/keys"
	"github.com/webchasor/webchasor/internal/config"
)

const headerCache = "X-Cache"

// newCache returns nil when the cache is off.
func newCache(s config.API, log *zap.Logger) (*cache.Cache, error) {
	c := cache.Config{MaxBytes: s.Cache.MaxSize, MaxEntry: s.Cache.MaxEntry, TTL: s.Cache.TTL, Shared: s.Cache.Shared}
	switch s.Cache.Store {
	case "memory":
	case "redis":
		c.Redis = s.Limits.Redis.Reveal()
	default:
		return nil, nil //nolint:nilnil // off is no mistake
	}
	return cache.New(c, log)
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
	entry, fill := s.cache.Find(alive, key)
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
