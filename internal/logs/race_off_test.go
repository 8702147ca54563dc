//go:build !race

package logs

const linesPerWriter = 10_000
