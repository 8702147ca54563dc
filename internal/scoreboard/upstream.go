package scoreboard

import (
	"sync/atomic"
	"time"
)

// UpstreamState is what a worker thinks of an upstream.
type UpstreamState uint8

// The states. The zero value is an upstream that the worker does not have.
const (
	UpstreamUnknown UpstreamState = iota
	UpstreamHealthy
	UpstreamEjected // left alone until its time is over
	UpstreamProbing // one request is on its way to find out
)

// Upstream is a worker's view of one upstream. Any goroutine may write; all methods
// of a nil Upstream do nothing.
type Upstream struct{ words *upstream }

// Upstream with this number, see ledger.Ledger.Upstream; it counts as healthy from here on.
func (b *Board) Upstream(number int) *Upstream {
	u := &Upstream{&b.head.upstreams[min(max(number, 0), MaxUpstreams-1)]}
	u.Set(UpstreamHealthy, 0)
	return u
}

// Set tells its state, and for an ejected one until when (sys.Monotonic).
func (u *Upstream) Set(s UpstreamState, until time.Duration) {
	if u != nil {
		u.words.until.Store(uint64(max(until, 0)))
		u.words.state.Store(uint64(s))
	}
}

// Active counts a request that is under way, or with -1 its end.
func (u *Upstream) Active(change int) {
	if u != nil {
		u.words.active.Add(int64(change))
	}
}

// UpstreamView is one look at an upstream.
type UpstreamView struct {
	State  UpstreamState
	Until  time.Duration
	Active int // requests under way, to the last byte of their answer
}

// Upstreams are the worker's, by number.
func (b *Board) Upstreams() (all [MaxUpstreams]UpstreamView) {
	for i := range all {
		u := &b.head.upstreams[i]
		all[i] = UpstreamView{
			State: UpstreamState(min(u.state.Load(), uint64(UpstreamProbing))), Until: duration(u.until.Load()),
			Active: activeOf(&u.active),
		}
	}
	return all
}

// activeOf is bounded: the block is not trusted.
func activeOf(g *atomic.Int64) int { return int(min(max(g.Load(), 0), MaxEntries)) }
