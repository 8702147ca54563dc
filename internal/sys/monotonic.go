package sys

import (
	"time"

	"golang.org/x/sys/unix"
)

// Monotonic is the time since the machine's boot, suspension not counted. Go's
// own monotonic readings have an origin private to each process; this one is
// comparable between processes (clock_gettime(2)). It costs a system call: see [Clock].
func Monotonic() time.Duration {
	var ts unix.Timespec
	// The call cannot fail: the clock exists and ts is ours.
	_ = unix.ClockGettime(monotonicClock, &ts)
	return time.Duration(ts.Nano())
}
