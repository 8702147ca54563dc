//go:build !linux

package sys

import "golang.org/x/sys/unix"

// monotonicClock is what Go's runtime reads on darwin (mach_absolute_time):
// CLOCK_MONOTONIC goes on counting while the machine sleeps there.
const monotonicClock = unix.CLOCK_UPTIME_RAW
