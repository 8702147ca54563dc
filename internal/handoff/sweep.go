package handoff

import "time"

// In a final stop workers accept what is queued before the listening ends, and
// the master ends it when they say [ReportClosed]. Both sides need to know how
// long that takes.

// SweepTime is how long newcomers are still accepted: whoever came before the
// port could close. Traffic must not keep a stopping worker accepting.
const SweepTime = time.Second

// OrphanSweep is the whole time of a worker that has lost its master: the next
// master, which may be starting already, waits for the port. Workers promise
// to free it within a second.
const OrphanSweep = 800 * time.Millisecond

// SweepBudget is how long a full worker goes on accepting those who were queued
// when the stop began. The rest of graceful_timeout is left for their requests.
func SweepBudget(graceful time.Duration) time.Duration { return graceful / 2 }
