package ledger

import (
	"slices"
	"time"
)

// Upstream is where the workers of one slot count what they ask of one upstream. Any
// goroutine may add; all methods of a nil Upstream do nothing.
type Upstream struct{ words *upstream }

// Upstream of a slot by its name, and its number, which is that of [Other] if it has none.
func (l *Ledger) Upstream(s *Slot, name string) (number int, u *Upstream) {
	number = max(slices.Index(l.Upstreams(), name[:min(len(name), NameLen)]), 0)
	return number, &Upstream{&s.page.upstreams[number]}
}

// Request counts an attempt.
func (u *Upstream) Request() {
	if u != nil {
		u.words.requests.Add(1)
	}
}

// Retry counts an attempt that is not its call's first, which is a Request too and follows.
func (u *Upstream) Retry() {
	if u != nil {
		u.words.retries.Add(1)
	}
}

// Failed counts an attempt without an answer, with a broken one or one that is the upstream's fault.
func (u *Upstream) Failed() {
	if u != nil {
		u.words.failures.Add(1)
	}
}

// Limited counts an answer that says: too many.
func (u *Upstream) Limited() {
	if u != nil {
		u.words.limited.Add(1)
	}
}

// Ejected counts a worker's decision to leave the upstream alone for a while.
func (u *Upstream) Ejected() {
	if u != nil {
		u.words.ejections.Add(1)
	}
}

// Answered counts an answer and how long its beginning was waited for.
func (u *Upstream) Answered(waited time.Duration) {
	if u != nil {
		u.words.answers.Add(1)
		u.words.waited.Add(uint64(max(waited, 0)))
	}
}

// UpstreamCounts are copies of such counters.
type UpstreamCounts struct {
	Requests, Failures, Limited, Retries, Ejections, Answers uint64

	Waited time.Duration // of all answers together
}

// Asked adds up what all slots have counted at each upstream, by its number.
func (l *Ledger) Asked() []UpstreamCounts {
	all := make([]UpstreamCounts, len(l.Upstreams()))
	for _, s := range l.Used() {
		for i := range all {
			from, to := &s.page.upstreams[i], &all[i]
			to.Failures += from.failures.Load()
			to.Limited += from.limited.Load()
			to.Retries += from.retries.Load()
			to.Ejections += from.ejections.Load()
			to.Answers += from.answers.Load()
			to.Waited += duration(from.waited.Load())
			to.Requests += from.requests.Load() // after what are parts of it
		}
	}
	return all
}
