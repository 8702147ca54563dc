package worker

import (
	"sync"
	"sync/atomic"
)

// exit is the way out for connections: to another worker while a mover takes
// them, else with a goodbye. The two change together, or a mover that ends just
// as another takes its place would have goodbyes said although there are heirs.
// Whoever serves a request only looks, and needs no lock for it.
type exit struct {
	mu       sync.Mutex
	mover    atomic.Pointer[mover] // hands connections over; nil while none does
	draining atomic.Bool           // responses carry Connection: close
}

// leadBy lets connections leave through m, without goodbyes.
func (x *exit) leadBy(m *mover) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.mover.Store(m)
	x.draining.Store(false)
}

// sayGoodbye is the way out when nobody takes connections.
func (x *exit) sayGoodbye() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.mover.Store(nil)
	x.draining.Store(true)
}

// ended is the end of m: what it leaves behind gets a goodbye in a drain, unless
// another mover has taken its place.
func (x *exit) ended(m *mover) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.mover.CompareAndSwap(m, nil) && m.drains {
		x.draining.Store(true)
	}
}
