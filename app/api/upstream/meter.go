package upstream

import "time"

// Meter is told what happens at one upstream, by any goroutine; it must not block.
type Meter interface {
	Retried()                           // the attempt that begins next is not its call's first
	Began()                             // an attempt
	Answered(waited time.Duration)      // its answer has begun
	Limited()                           // with 429 or 503
	Ended(failed bool)                  // it is over, to the last byte; failed is by the upstream's fault
	Healthy()                           // from now on
	Ejected(d time.Duration, same bool) // left alone for so long; same: it was before, and its probe told nothing
	Probing()                           // one request finds out whether it works
}

// unwatched is the Meter of an upstream that nobody watches.
type unwatched struct{}

func (unwatched) Retried()                    {}
func (unwatched) Began()                      {}
func (unwatched) Answered(time.Duration)      {}
func (unwatched) Limited()                    {}
func (unwatched) Ended(bool)                  {}
func (unwatched) Healthy()                    {}
func (unwatched) Ejected(time.Duration, bool) {}
func (unwatched) Probing()                    {}
