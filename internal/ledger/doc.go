// Package ledger keeps the counters of the service: one block of shared memory
// for the life of the service, with a page of counters and the latencies by
// route and status class for every worker slot.
//
// Counters belong to slots, not to processes. A worker adds to its slot's part
// and its successor goes on in the same words, so a recycle, a reload or a
// kill -9 loses nothing and nobody has to fold anything. An upgrade passes the
// descriptor on ([Open]); workers that the old master left behind go on adding
// to the same memory. What is shown outside therefore only ever grows, until
// the service stops.
//
// The master creates the block and gives names to routes and causes of death;
// a name keeps its number for the life of the service, also when a later
// version knows other routes. Workers only look names up. All words are written
// with single atomic additions: no locks, no system calls, and a writer that
// dies at any instruction leaves nothing half done that matters.
//
// Memory that was never counted in stays unallocated, and readers do not
// touch it: a slot that serves three routes costs about 30 KiB.
package ledger
