// Package scoreboard is what a worker says about itself without being asked:
// one block of shared memory per worker incarnation, written by the worker,
// read by the master at any time, also after the worker was killed.
//
// The master creates the block ([Create]) and holds its descriptor; the worker
// maps the inherited one ([Open]). Every field is one aligned 64-bit word,
// written by single atomic operations: no locks and no system calls on either
// side, so a writer that dies at any instruction leaves nothing locked.
//
// The reader trusts nothing. A worker that went mad may have written anything,
// so every count and length from the block is bounded before it is used, and
// text is cleaned. A record caught half-written is reported as torn.
//
// The race detector does not watch memory outside Go's heap; atomic access
// throughout is what makes this sound, not a silent detector.
package scoreboard
