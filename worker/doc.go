// Package worker is the child process: it takes over what the master gave it
// (see package handoff), sets the application up, accepts, serves, and leaves
// when told to, without a client noticing.
//
// # Ownership
//
// One goroutine, the lifecycle, owns the state of the worker: serving,
// draining, done. One goroutine, the watchdog, looks at every connection a few
// times per timeout and takes the decisions that depend on time: idle
// connections that leave, requests that get a 503, slow readers that are cut.
// Connections are served by fasthttp's or net/http's goroutines through a
// wrapper that knows whether a request is under way; its state changes only in
// connState.next, under the connection's mutex, which is never held during I/O.
//
// # Connections that move
//
// In a drain with targets a connection is not closed: while it is idle it goes to
// another worker, with everything the client may have sent meanwhile. It is asked
// to leave by a read deadline in the past; the server lets go of it without a
// word, because its Read says end of file, and [conn.Close] gives it to the [mover]
// instead of closing it. A [taker] of the other worker has reserved a place,
// and its engine gets the connection from [arrivals], which is also where
// connections come back to that nobody took. Package transfer says who
// owns a connection at every moment.
//
// A connection may leave when nothing of the client's was read and not answered.
// fasthttp calls a connection active without a read when its buffer holds the
// beginning of the next request, and reads between two requests only when
// that is empty. net/http keeps such bytes while it calls the connection idle:
// [conn.Read] and doneHTTP find that out. HTTP/2, hijacked and TLS connections
// do not move.
//
// # Contexts
//
// [RequestContext] gives a fasthttp handler the context of its request; with
// net/http it is the request's own. It ends when the handler has finished,
// and before that when the client is gone, the request timed out or the
// worker's drain budget is used up; [context.Cause] tells which.
package worker
