package testproc

import (
	"time"
	"unsafe"
)

// StepClock is what [time.Now] returns instead of now on a machine whose wall
// clock was set forward by so many seconds, or back: the monotonic reading is
// as it was. It knows the layout of [time.Time]; its own test would notice a change.
//
// CLOCK_REALTIME itself cannot be set for a test: time_namespaces(7) have only
// CLOCK_MONOTONIC and CLOCK_BOOTTIME, and a step would be the whole machine's.
func StepClock(now time.Time, seconds int64) time.Time {
	// With a monotonic reading the first word is: 1 bit that says so, 33 bits
	// of seconds, 30 bits of nanoseconds.
	*(*uint64)(unsafe.Pointer(&now)) += uint64(seconds) << 30
	return now
}
