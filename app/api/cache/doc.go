// Package cache keeps answers to requests that have only one, in the memory
// of a worker or in Redis for all of them.
//
//	key, ok := c.Key(cache.Request{Path: path, Client: name, Body: body, Header: header})
//	if !ok { // X-Cache: BYPASS, and nothing of this package is needed
//	}
//	entry, fill := c.Find(ctx, key, alive)
//	if entry != nil { // X-Cache: HIT: entry is the whole answer
//	}
//	defer fill.Close() // X-Cache: MISS: ask the upstream
//	fill.Begin(status, contentType)
//	fill.Write(bytes) // as they go to the client
//	fill.Done()       // only when the answer is whole
//
// # What is cached
//
// Chat completions and completions whose temperature is 0 or that have a seed,
// embeddings, and what the request's header X-Webchasor-Cache: use asks for;
// its other values, and Cache-Control: no-store or no-cache, keep a request
// out. Two requests are the same when their JSON is, apart from blanks, the order of fields, and fields
// that do not change the answer (user, metadata, ...), and the headers of Config.Headers have the same values. Each client key
// has a cache of its own unless Config.Shared says otherwise.
//
// An answer is kept only if its status is 200, it is JSON without an error or a
// stream that came to its [DONE] without one, and it is not larger than
// Config.MaxEntry. A stream is an entry of its own, replayed with the same bytes.
//
// # One at a time
//
// Of several equal requests the first one asks the upstream; the others wait for
// its answer, at most for Config.Wait, and then go themselves. With Redis
// that holds for all workers and machines: a lock with a token that expires
// unless its owner extends it, so a worker that dies holds nobody up for long.
//
// # When Redis is gone
//
// The cache behaves as if it were off, with a warning. A failed operation makes
// the next ones skip Redis for a moment, so that a Redis that hangs
// costs a request now and then its timeout and no request an answer. Equal
// requests of that moment are one to the upstream per worker.
package cache
