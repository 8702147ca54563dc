package worker

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
)

// gate lets at most worker_connections connections in. When it is full it
// stops accepting, so that what waits in the kernel can go to another worker.
type gate struct {
	t         *tracker
	permits   chan struct{} // a value per connection, per Accept under way, and per one promised
	promised  atomic.Int64  // to workers that give connections away
	spare     atomic.Int64  // streams that have no permit
	mu        sync.Mutex
	listeners []*door       // guarded by mu
	closing   chan struct{} // closed when accepting ends
	sweepEnd  time.Time     // until when the queues are emptied; written before closing is closed
	sweepLast time.Time     // the same for what was queued at the beginning
	noise     limiter       // for errors of accept
	fullNoise limiter       // for a full worker; the watchdog's
	vault     *vault        // nil where no address speaks TLS
}

func newGate(t *tracker, listeners []net.Listener, tls []bool, limit int) *gate {
	g := &gate{
		t: t, permits: make(chan struct{}, max(limit, 1)), closing: make(chan struct{}),
		noise: limiter{every: time.Second}, fullNoise: limiter{every: 10 * time.Second},
	}
	for i, l := range listeners {
		g.open(l, ownSlot, i < len(tls) && tls[i])
	}
	t.release = func(*conn) { <-g.permits }
	t.admit, t.dismiss = g.admitStream, g.dismissStream
	return g
}

// ownSlot marks the doors that the worker was born with.
const ownSlot = -1

// open adds a door for a listener, which belongs to slot. tls: who comes in there speaks it.
func (g *gate) open(l net.Listener, slot int, tls bool) *door {
	d := &door{Listener: l, g: g, slot: slot, tls: tls, released: make(chan struct{})}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listeners = append(g.listeners, d)
	return d
}

// doors are those that are open now.
func (g *gate) doors() []*door {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.listeners)
}

// forget drops an adopted door that is no longer served, and closes our
// descriptor: the queue stays for whoever else has the socket.
func (g *gate) forget(d *door) {
	if d.slot == ownSlot {
		return // closeListeners does
	}
	g.mu.Lock()
	g.listeners = slices.DeleteFunc(g.listeners, func(x *door) bool { return x == d })
	g.mu.Unlock()
	d.closeListener()
}

// release ends accepting on the sockets adopted from slot.
func (g *gate) release(slot int) (n int) {
	for _, d := range g.doors() {
		if d.slot == slot && d.release() {
			n++
		}
	}
	return n
}

// stop ends accepting; every Accept returns [io.EOF] soon. With a budget, what
// is queued is accepted first: a full worker takes as long as the budget for
// those who wait now, but newcomers cannot keep it accepting.
func (g *gate) stop(budget time.Duration) {
	if budget > 0 {
		now := time.Now()
		g.sweepEnd, g.sweepLast = now.Add(min(handoff.SweepTime, budget)), now.Add(budget)
		for _, d := range g.doors() {
			d.quota = d.queued()
		}
	}
	close(g.closing)
	for _, d := range g.doors() {
		d.wake()
	}
}

func (g *gate) stopped() bool {
	select {
	case <-g.closing:
		return true
	default:
		return false
	}
}

// pressure is how many connections wait although the worker is full.
func (g *gate) pressure() (waiting int) {
	if len(g.permits) < cap(g.permits) {
		return 0
	}
	doors := g.doors()
	for _, d := range doors {
		if d.waiting.Load() {
			waiting += d.queued()
		}
	}
	if waiting == 0 {
		return 0
	}
	// A listener that only waits for clients must not sit on the last permit.
	for _, d := range doors {
		if d.accepting.Load() {
			d.wake()
			return 0
		}
	}
	return waiting
}

// note says at most every ten seconds that the worker is full.
func (g *gate) note(now time.Duration, waiting, asked int) {
	if n, ok := g.fullNoise.allow(now); ok {
		g.t.log.Warn("worker_connections reached: connections wait in the backlog; raise worker_connections or workers, or lower keepalive",
			zap.Int("limit", cap(g.permits)), zap.Int("waiting", waiting),
			zap.Int("idle_asked_to_leave", asked), zap.Uint64("times", n))
	}
}

// closeListeners closes this process's descriptors of the listening sockets.
func (g *gate) closeListeners() {
	for _, d := range g.doors() {
		d.closeListener()
	}
}

// promise takes a place for a connection that another worker may send, unless
// limit of them are promised (one always may be) or there is none. It does not wait.
func (g *gate) promise(limit int) bool {
	if g.promised.Add(1) <= int64(max(limit, 1)) {
		select {
		case g.permits <- struct{}{}:
			return true
		default:
		}
	}
	g.promised.Add(-1)
	return false
}

// admitStream takes a place for a stream of a connection that is in already. It
// does not wait.
func (g *gate) admitStream(s *h2stream) bool {
	if g.spare.Add(1) <= spareStreams {
		return true
	}
	g.spare.Add(-1)
	select {
	case g.permits <- struct{}{}:
		s.permit = true
		return true
	default:
		return false
	}
}

// dismissStream gives the place back.
func (g *gate) dismissStream(s *h2stream) {
	if s.permit {
		<-g.permits
	} else {
		g.spare.Add(-1)
	}
}
