// Package api is the WebChasor API: an OpenAI-compatible gateway on fasthttp.
//
//	GET  /                       what this service is
//	GET  /health                 liveness: always cheap, never queued, 200 while draining too
//	GET  /ready                  readiness: 503 while draining
//	GET  /v1/models              the models, also one by one as /v1/models/{id}
//	POST /v1/chat/completions    a chat completion, plain or as server-sent events
//
// Chat completions are answered by a [Provider]. The one that is built in is
// called echo: it repeats the last user message at a configurable pace, so that
// slow and streaming load can be made without any outside service.
//
// Two limits stand in front of the /v1 endpoints: max_concurrent_requests over
// all of them and llm_concurrent_limit over chat completions, with one bounded
// queue before both. A permit is held until the last byte of a stream.
// Every error is OpenAI's JSON envelope; overload is 503 with Retry-After.
package api
