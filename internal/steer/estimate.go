package steer

import (
	"math"
	"time"
)

// memory is the time in which the estimated rate halves once arrivals stop.
// Believing in a burst for too long costs a little evenness; forgetting it
// between two of its waves sends the second one after old loads.
const memory = 100 * time.Millisecond

// Estimator guesses from successive totals how many connections arrive in the
// next interval. It follows a rise at once and a fall slowly. The zero value is ready.
type Estimator struct {
	rate  float64 // connections per second
	total uint64
	known bool
}

// Observe takes the number of connections that all slots together were given
// since the service began, and the time since the observation before. A total
// that falls, because a worker's count was lost, restarts the count and keeps the rate.
func (e *Estimator) Observe(total uint64, elapsed time.Duration) {
	before, known := e.total, e.known
	e.total, e.known = total, true
	if !known || elapsed <= 0 {
		return
	}
	e.rate *= math.Exp2(-elapsed.Seconds() / memory.Seconds())
	if total > before {
		e.rate = max(e.rate, float64(total-before)/elapsed.Seconds())
	}
}

// Expect returns the arrivals to plan for in the coming interval.
func (e *Estimator) Expect(interval time.Duration) float64 {
	return e.rate * max(interval, 0).Seconds()
}
