//go:build race

package worker

// raceDetector makes everything ten times slower.
const raceDetector = true
