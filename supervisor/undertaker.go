package supervisor

import (
	"sync/atomic"
	"time"
)

// undertakerRoom is how many deaths may wait for a slow disk before their
// files are given up; undertakerFlush how long the end of the master waits.
const (
	undertakerRoom  = 256
	undertakerFlush = 3 * time.Second
)

// undertaker does what is slow about deaths, one after the other and not on
// the loop: reading megabytes of stacks, writing files to a disk that may hang.
type undertaker struct {
	jobs chan func()
	lost atomic.Uint64 // jobs there was no room for
}

// newUndertaker starts its goroutine, which lives as long as the process.
func newUndertaker(room int) *undertaker {
	u := &undertaker{jobs: make(chan func(), room)}
	go func() {
		for job := range u.jobs {
			job()
		}
	}()
	return u
}

// submit queues a job, never waiting; false when there is no room for it.
func (u *undertaker) submit(job func()) bool {
	select {
	case u.jobs <- job:
		return true
	default:
		u.lost.Add(1)
		return false
	}
}

// flush waits until everything submitted so far is done, up to the limit, and
// says whether it is.
func (u *undertaker) flush(limit time.Duration) bool {
	done := make(chan struct{})
	end := time.NewTimer(limit)
	defer end.Stop()
	select {
	case u.jobs <- func() { close(done) }:
	case <-end.C:
		return false
	}
	select {
	case <-done:
		return true
	case <-end.C:
		return false
	}
}

// endBurials waits for the last records, which a crash at the very end would
// otherwise lose.
func (m *master) endBurials() {
	if m.undertaker == nil {
		return // it never got that far
	}
	if !m.undertaker.flush(undertakerFlush) {
		m.log.Warn("not all records of deaths could be written in time")
	}
	if !m.accountant.flush(undertakerFlush) {
		m.log.Warn("not all access lines of lost requests could be written in time")
	}
}
