// Package measure is what the benchmarks share: wrk and what it reports, the
// counters that /proc keeps of a server's processes, medians, and the machine.
package measure
