package sys

import "time"

// Clock reads the same clock as [Monotonic] without a system call: Go's own
// monotonic reading is CLOCK_MONOTONIC through the vDSO, only its origin is
// private to the process. The zero Clock is not usable; see [NewClock].
type Clock struct {
	start time.Time
	base  time.Duration
}

// NewClock pairs the two origins. The pairing is off by less than the time
// between two readings, some hundred nanoseconds.
func NewClock() Clock {
	before := Monotonic()
	start := time.Now()
	after := Monotonic()
	return Clock{start: start, base: before + (after-before)/2}
}

// Now is the time since the machine's boot, comparable between processes.
func (c Clock) Now() time.Duration { return c.base + time.Since(c.start) }

// Of is the opposite of At. Only a time that this process took, and that was not
// stripped of its monotonic reading since, survives a step of the wall clock.
func (c Clock) Of(t time.Time) time.Duration { return c.base + t.Sub(c.start) }

// At turns such a time into this process's wall clock time, with a monotonic reading.
func (c Clock) At(t time.Duration) time.Time { return c.start.Add(t - c.base) }
