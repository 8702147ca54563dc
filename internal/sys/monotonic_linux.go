package sys

import "golang.org/x/sys/unix"

// monotonicClock is what Go's runtime reads on Linux.
const monotonicClock = unix.CLOCK_MONOTONIC
