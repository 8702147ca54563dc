package api

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"github.com/webchasor/webchasor/app/api/limit"
)

// admit returns a permit for the request, after waiting in the queue if need
// be. If it returns nil, it has made the response: full, or the request ended
// while it waited.
func (s *server) admit(ctx *fasthttp.RequestCtx, want limit.Want) *limit.Permit {
	if p := s.limits.Try(want); p != nil {
		return p
	}
	// Only a request that has to wait pays for a context that watches its client.
	p, err := s.limits.Acquire(s.host.requestContext(ctx), want, func() { s.host.progress(ctx) })
	switch {
	case err == nil:
		s.host.progress(ctx) // its own work begins now
		return p
	case errors.Is(err, limit.ErrFull), errors.Is(err, limit.ErrSlow):
		s.noteFull(err)
		writeError(ctx, errRefused(err))
	default:
		s.ended(ctx, err)
	}
	return nil
}

// ended answers a request whose context has ended before its answer began.
func (s *server) ended(ctx *fasthttp.RequestCtx, cause error) {
	if e := s.interrupted(cause); e != nil {
		writeError(ctx, e)
		return
	}
	ctx.Response.ResetBody()
	ctx.SetStatusCode(statusClientGone)
	ctx.SetConnectionClose()
}

// noteFull warns about refused requests, at most once a second.
func (s *server) noteFull(err error) {
	missed, ok := s.warnFull.allow(s.now())
	if !ok {
		return
	}
	at := s.limits.Load()
	s.log.Warn("requests refused: "+err.Error(),
		zap.Int("requests", at.API), zap.Int("llm_requests", at.LLM), zap.Int("waiting", at.Waiting),
		zap.Uint64("refused_since_last_line", missed+1),
		zap.String("remedy", "raise max_concurrent_requests or llm_concurrent_limit, queue_size or queue_timeout, or add workers"))
}

// limiter lets one event a second through. The zero value is ready.
type limiter struct {
	last   atomic.Pointer[time.Time]
	missed atomic.Uint64
}

// allow says whether this event is let through, and how many were not since
// the last one that was.
func (l *limiter) allow(now time.Time) (missed uint64, ok bool) {
	last := l.last.Load()
	if last != nil && now.Sub(*last) < time.Second || !l.last.CompareAndSwap(last, &now) {
		l.missed.Add(1)
		return 0, false
	}
	return l.missed.Swap(0), true
}

// causeOf returns why ctx ended, or err if it has not.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
