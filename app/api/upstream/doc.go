// Package upstream is the client to OpenAI-compatible upstreams: it chooses one
// for a model, asks it, and tries another when the first one fails.
//
//	router, err := upstream.New(config, log)
//	reply, err := router.Do(ctx, upstream.Call{Path: "/chat/completions", Model: "gpt-4o", Body: body, Stream: true, Header: header})
//	defer reply.Body.Close()
//
// # What a caller has to know
//
//  1. Do returns as soon as the response's headers are there, and never after
//     ctx has ended. The body is read as it arrives; nothing of a good answer is
//     buffered here.
//  2. The body must be closed. Closing it before its end, or the end of ctx,
//     closes the connection (HTTP/1.1) or the stream (HTTP/2) to the upstream at once.
//  3. A reply with an upstream's own error (400, 404, 429, 500...) is a [Reply] with
//     that status and the upstream's words. An [*Error] is what this package has
//     to say itself. When ctx ended first, the error is context.Cause(ctx).
//  4. After a broken or silent upstream a body's Read returns an [*Error]. io.EOF
//     means that the upstream ended its answer properly, nothing else does.
//
// # Choice
//
// The upstreams that have a route for the model stand in tiers: lower Priority
// first, then the more specific route (an exact name before a longer prefix
// before a shorter one). Inside a tier the choice is random by Weight. An upstream
// that was ejected, or that said Retry-After, is used only when no other is left.
//
// # Retries
//
// An attempt is repeated only while no byte of an answer has come: after a
// connection that failed, 408, 409, 429 and 5xx. Another upstream is asked
// at once, the same one after a backoff with full jitter or its own Retry-After,
// whichever is longer. A silent upstream (first byte timeout) is not asked the same again,
// since it may be at work on the first question still.
//
// # Ejection
//
// An upstream that fails Ejection.Failures times in a row is ejected for
// Ejection.Time, twice that the next time, up to Ejection.MaxTime. Then one request
// is let through; its answer decides. When every upstream of a model is ejected
// they are used as if none were: a guess must not be worse than the failure.
//
// net/http's Transport is the HTTP client, for its HTTP/2, its proxies and
// its cancellation; fasthttp's client can neither be cancelled nor read a
// response while it arrives without a connection of its own.
package upstream
