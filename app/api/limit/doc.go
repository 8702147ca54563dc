// Package limit hands out the permits of the API: how many requests and how
// many LLM calls may be under way at a time, of all, of one client key and of one
// model, with one bounded queue in front.
//
// A request takes all the permits it needs at once or none, so one that waits
// holds nothing that others could use. Waiting requests are served first come
// first served among those that can be served: nothing overtakes unless the
// one before it waits for a permit that it does not need itself.
//
// Whether the permits are those of this worker or of all workers on the host is
// decided by the [permits.Place]. The queue is this worker's in both cases; the
// place says whose turn it is among the workers.
package limit
