//go:build race

package logs

// The race detector sees one process at a time and makes each ten times
// slower, so here fewer lines do.
const linesPerWriter = 1_000
