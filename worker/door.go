package worker

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/sys"
)

// sweepWait is how long a sweep waits for a connection that another worker took first.
const sweepWait = 20 * time.Millisecond

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
