package worker

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/transfer"
)

// How long a mover goes on without a taker, or sheds; how often it looks again
// by itself; how many connections leave at once, so that none is long between two owners.
const (
	takerWait = 5 * time.Second
	heirWait  = time.Second // for the master to name new targets when all have left
	shedTime  = 2 * time.Second
	moveTick  = 20 * time.Millisecond
	crowdRest = 200 * time.Millisecond // between two tries while the kernel lets no descriptors on their way
	maxWave   = 256
)

// mover hands idle connections to other workers, the first target first. A
// connection is claimed from the moment it is asked to leave: there are never
// more of these than the targets have credits for, so a connection is between
// two owners only for as long as one message takes.
type mover struct {
	t        *tracker
	returns  *arrivals
	drains   bool // all connections, or only count of them
	count    int
	patience time.Duration // without credits
	targets  []*target
	began    time.Time

	claimed atomic.Int64 // asked to leave or on their way
	over    atomic.Bool  // nobody takes any more
	resting atomic.Bool  // the kernel lets no more descriptors on their way: nobody is asked meanwhile
	wake    chan struct{}

	mu    sync.Mutex
	queue []*conn // let go by their servers

	moved            atomic.Int64
	returned, failed atomic.Int64 // served here after all; closed, because they were dead
	broken           bool         // a target failed in the middle of a transfer; only run uses it
	crowded          bool         // the last batch had no room on its way; only run uses it
	rest             time.Time    // until when; only run uses it
	left             []*conn      // of the last look at all connections; only run uses it
	looked           time.Time    // when that was
}

// target is one worker that takes connections.
type target struct {
	handoff.Target
	*transfer.Sender
}

// newMover takes ownership of fds, the sending ends for list. It returns nil
// when no target can be used.
func newMover(t *tracker, returns *arrivals, list []handoff.Target, fds []int) *mover {
	m := &mover{t: t, returns: returns, began: time.Now(), patience: takerWait, wake: make(chan struct{}, 1)}
	for i, fd := range fds {
		s, err := transfer.NewSender(fd, m.nudge)
		if err != nil {
			t.log.Error("cannot use the way to another worker", zap.Error(err))
			continue
		}
		at := &target{Sender: s}
		if i < len(list) {
			at.Target = list[i]
		}
		m.targets = append(m.targets, at)
	}
	if len(m.targets) == 0 {
		return nil
	}
	return m
}

// nudge makes run look. It never blocks.
func (m *mover) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// takes says whether a leaving connection still finds a taker.
func (m *mover) takes() bool { return !m.over.Load() }

// room is how many more connections may be asked to leave.
func (m *mover) room() int {
	if m.over.Load() || m.resting.Load() {
		return 0
	}
	room := 0
	for _, at := range m.targets {
		room += at.Credits()
	}
	claimed := int(m.claimed.Load())
	room = min(room, maxWave) - claimed
	if !m.drains {
		room = min(room, m.count-int(m.moved.Load())-claimed)
	}
	return room
}

// give passes on a connection that its server has let go.
func (m *mover) give(c *conn) {
	m.mu.Lock()
	if !m.over.Load() {
		m.queue = append(m.queue, c)
		m.mu.Unlock()
		m.nudge()
		return
	}
	m.mu.Unlock()
	m.giveBack(c)
}

// run moves until stop is closed, nobody takes any more, or enough has moved.
func (m *mover) run(stop <-chan struct{}) {
	tick := time.NewTicker(moveTick)
	defer tick.Stop()
	able := time.Now()
	for {
		before, moved := time.Now(), m.moved.Load()
		m.resting.Store(before.Before(m.rest))
		m.deliver()
		able = able.Add(time.Since(before)) // it may have waited for one that hangs
		m.ask()
		credits := 0
		for _, at := range m.targets {
			credits += at.Credits()
		}
		if (credits == 0 || !m.alive()) && !m.broken {
			m.release() // served here while there is no room, or new targets are waited for
		}
		now := time.Now()
		if credits > 0 && !m.crowded || m.moved.Load() > moved {
			able = now
		}
		if m.finished(now.Sub(able)) {
			break
		}
		select {
		case <-stop:
			m.end()
			return
		case <-m.wake:
		case <-tick.C:
		}
	}
	m.end()
}

// finished says whether there is nothing more to do, or nobody to do it with.
func (m *mover) finished(idle time.Duration) bool {
	alive := m.alive()
	switch {
	case m.t.mover.Load() != m: // another one has better targets
		return true
	case idle > m.patience:
		return true
	case m.drains:
		return !alive && (m.broken || idle > heirWait)
	}
	return !alive || int(m.moved.Load()) >= m.count || time.Since(m.began) > shedTime
}

// end gives back what has not moved. From here on a draining worker says
// goodbye, unless another mover has taken this one's place.
func (m *mover) end() {
	m.t.ended(m)
	m.mu.Lock()
	m.over.Store(true)
	m.mu.Unlock()
	m.release()
	for _, at := range m.targets {
		at.Close()
	}
	m.t.log.Info("connections handed over", zap.Int64("moved", m.moved.Load()), zap.Int64("returned", m.returned.Load()),
		zap.Int64("failed", m.failed.Load()), zap.Duration("took", time.Since(m.began)))
}

// alive says whether a target is left.
func (m *mover) alive() bool {
	return slices.ContainsFunc(m.targets, func(at *target) bool { return at.Alive() })
}

// release gives back what waits for a target.
func (m *mover) release() {
	m.mu.Lock()
	queue := m.queue
	m.queue = nil
	m.mu.Unlock()
	for _, c := range queue {
		m.giveBack(c)
	}
}

// ask lets idle connections leave, as many as there is room for. Looking at all
// is for those that were idle when there was no room: one that becomes idle
// now leaves by itself. So it is done once per tick at most.
func (m *mover) ask() {
	for m.room() > 0 {
		if len(m.left) == 0 {
			if time.Since(m.looked) < moveTick {
				return
			}
			m.looked, m.left = time.Now(), m.t.conns.snapshot(m.left)
			if len(m.left) == 0 {
				return
			}
		}
		m.left[0].departFor(m)
		m.left[0], m.left = nil, m.left[1:]
	}
}

// giveBack lets this worker serve a connection that did not get away.
func (m *mover) giveBack(c *conn) {
	m.returned.Add(1)
	c.returned()
	m.returns.put(c)
}
