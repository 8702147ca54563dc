package worker

import "sync"

// registry is the set of open connections.
type registry struct {
	mu      sync.Mutex
	list    []*conn
	removed chan struct{} // has a value after a removal
}

func (r *registry) add(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.place = len(r.list)
	r.list = append(r.list, c)
}

func (r *registry) remove(c *conn) {
	r.mu.Lock()
	last := len(r.list) - 1
	r.list[c.place] = r.list[last]
	r.list[c.place].place = c.place
	r.list[last] = nil
	r.list = r.list[:last]
	r.mu.Unlock()
	select {
	case r.removed <- struct{}{}:
	default:
	}
}

// snapshot appends all connections to buf.
func (r *registry) snapshot(buf []*conn) []*conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(buf, r.list...)
}

func (r *registry) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.list)
}
