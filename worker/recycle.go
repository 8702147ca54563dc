package worker

import "sync/atomic"

// recycler asks for a successor once enough requests are finished. The worker goes
// on serving until the master drains it.
type recycler struct {
	limit uint64 // 0 is off
	count atomic.Uint64
	due   func() // called once, must not block
}

func (r *recycler) finished() {
	if r.limit != 0 && r.count.Add(1) == r.limit {
		r.due()
	}
}
