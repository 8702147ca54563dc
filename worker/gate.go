package worker

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
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

// sweepWait is how long a sweep waits for a connection that another worker took first.
const sweepWait = 20 * time.Millisecond

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

// door is one listener behind the gate. Accept has one caller.
type door struct {
	net.Listener
	g         *gate
	slot      int // whose sockets these are; ownSlot for our own
	tls       bool
	released  chan struct{} // closed when this door alone ends
	delay     time.Duration // of the last pause after an error
	quota     int           // connections that waited when the sweep began
	waiting   atomic.Bool   // for a permit
	accepting atomic.Bool   // with a permit
}

// Accept waits for room, then for a connection, and returns it wrapped. Errors
// of the kernel are waited out; io.EOF is the end.
func (d *door) Accept() (net.Conn, error) {
	for {
		d.deadline(time.Time{}) // undo an old wake, before closing is looked at
		sweeping := d.g.stopped()
		if d.isReleased() || sweeping && !d.sweep() {
			return nil, io.EOF
		}
		if !d.permit() {
			continue // stopped meanwhile, or the sweep is over
		}
		if sweeping {
			d.deadline(time.Now().Add(sweepWait)) // who shares the socket may be faster
		}
		d.accepting.Store(true)
		raw, err := d.Listener.Accept()
		d.accepting.Store(false)
		if sweeping && (err == nil || isTimeout(err)) {
			d.quota-- // served here or, after a timeout, elsewhere
		}
		if err == nil {
			if c, ok := d.admit(raw); ok {
				d.delay = 0
				return c.face(), nil
			}
			continue
		}
		<-d.g.permits
		if !d.waitOut(err) {
			return nil, io.EOF
		}
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

// permit takes a place for a connection.
func (d *door) permit() bool {
	select {
	case d.g.permits <- struct{}{}:
		return true
	default:
	}
	closing, end := d.g.closing, (<-chan time.Time)(nil)
	if d.g.stopped() {
		closing, end = nil, time.After(time.Until(d.sweepUntil()))
	}
	d.waiting.Store(true)
	defer d.waiting.Store(false)
	select {
	case d.g.permits <- struct{}{}:
		return true
	case <-closing:
	case <-d.released:
	case <-end:
	}
	return false
}

// release ends this door; false if it has ended. Only the lifecycle calls it.
func (d *door) release() bool {
	if d.isReleased() {
		return false
	}
	close(d.released)
	d.wake()
	return true
}

func (d *door) isReleased() bool {
	select {
	case <-d.released:
		return true
	default:
		return false
	}
}

func (d *door) closeListener() {
	if err := d.Listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		d.g.t.log.Warn("cannot close a listening socket", zap.Stringer("address", d.Addr()), zap.Error(err))
	}
}

// admit wraps a connection. Its permit goes back when it is closed.
func (d *door) admit(raw net.Conn) (*conn, bool) {
	s, ok := raw.(socket)
	if ok {
		if c, ok := d.enter(s); ok {
			return c, true
		}
	}
	// The board has more entries than there are permits.
	d.g.t.log.Error("no entry for a connection: this is a bug, please report it", zap.Stringer("address", d.Addr()))
	_ = raw.Close()
	<-d.g.permits
	return nil, false
}

// enter puts on a raw connection what comes before HTTP. Nothing is read here:
// a client that says nothing must not hold up those behind it.
func (d *door) enter(s socket) (*conn, bool) {
	if d.tls {
		return d.g.t.addSecure(s, d.g.vault)
	}
	return d.g.t.add(s)
}

// sweep says whether to accept one more: connections wait and time is left.
func (d *door) sweep() bool {
	return time.Now().Before(d.sweepUntil()) && d.queued() > 0
}

func (d *door) sweepUntil() time.Time {
	if d.quota > 0 {
		return d.g.sweepLast
	}
	return d.g.sweepEnd
}

// queued is how many connections wait here; 1 stands for some where the kernel
// does not say.
func (d *door) queued() int {
	s, ok := d.Listener.(syscall.Conn)
	if !ok {
		return 0
	}
	var n int
	_ = sys.WithFD(s, func(fd int) error {
		if some, err := sys.Readable(fd); err != nil || !some {
			return err
		}
		n = 1
		if depth, _, err := sys.QueueDepth(fd); err == nil {
			n = max(depth, 1)
		}
		return nil
	})
	return n
}

// waitOut decides what an error of accept means and pauses if it will pass.
func (d *door) waitOut(err error) bool {
	switch {
	case isTimeout(err):
		return true // woken
	case errors.Is(err, net.ErrClosed):
		return false
	case errors.Is(err, syscall.EINVAL):
		// shutdown(2) by the master: nobody accepts here any more.
		d.g.t.log.Info("listening socket was shut down", zap.Stringer("address", d.Addr()))
		return false
	}
	// Out of descriptors or memory, or a network error of a connection that
	// died in the queue, see accept(2).
	d.delay = min(max(2*d.delay, minPause), maxPause)
	if n, ok := d.g.noise.allow(d.g.t.clock.Now()); ok {
		d.g.t.log.Error("cannot accept connections: trying again", zap.Stringer("address", d.Addr()),
			zap.Error(err), zap.Duration("pause", d.delay), zap.Uint64("times", n))
	}
	pause, closing := d.delay, d.g.closing
	if d.g.stopped() {
		// Nobody wakes a sweep, and it has little time: descriptors get free as
		// requests end.
		pause, closing = min(pause, sweepWait), nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.released:
	case <-closing:
	}
	return true
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// Pauses after an error of accept double from one to the other.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

// wake makes a blocked Accept return.
func (d *door) wake() { d.deadline(past) }

func (d *door) deadline(t time.Time) {
	if l, ok := d.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		_ = l.SetDeadline(t)
	}
}
