// Package metrics says in Prometheus's words how the service does: counters
// from the ledger, gauges from a status, both read anew at every scrape and
// never asked of a worker.
//
// Series belong to slots, so they survive the workers, and there is none per
// process. Nothing here takes long: what the kernel is slow to tell is sampled
// beside it. docs/metrics.md lists every name; a test keeps the list true.
package metrics
