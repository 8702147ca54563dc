package worker

import (
	"io"
	"net"
	"sync"
)

// arrivals is a listener for connections that are wrapped already: taken over
// from other workers, or come back because nobody took them. Unlike a door it
// stays open while the worker drains.
type arrivals struct {
	more chan struct{}
	done chan struct{}
	once sync.Once

	mu    sync.Mutex
	queue []*conn
}

func newArrivals() *arrivals {
	return &arrivals{more: make(chan struct{}, 1), done: make(chan struct{})}
}

// put never blocks.
func (a *arrivals) put(c *conn) {
	a.mu.Lock()
	a.queue = append(a.queue, c)
	a.mu.Unlock()
	select {
	case a.more <- struct{}{}:
	default:
	}
}

// Accept has one caller, the engine.
func (a *arrivals) Accept() (net.Conn, error) {
	for {
		a.mu.Lock()
		if len(a.queue) > 0 {
			c := a.queue[0]
			a.queue[0] = nil
			a.queue = a.queue[1:]
			a.mu.Unlock()
			return c.face(), nil
		}
		a.queue = nil
		a.mu.Unlock()
		select {
		case <-a.more:
		case <-a.done:
			return nil, io.EOF
		}
	}
}

// Close ends Accept.
func (a *arrivals) Close() error {
	a.once.Do(func() { close(a.done) })
	return nil
}

// Addr is no address: the connections come from all listeners.
func (a *arrivals) Addr() net.Addr { return &net.UnixAddr{Name: "other workers", Net: "unix"} }
