package worker

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/internal/transfer"
)

// deliver sends what is queued, as far as there are credits.
func (m *mover) deliver() {
	if m.resting.Load() {
		m.release() // those that were on their way out
		return
	}
	for {
		at := m.taker()
		if at == nil {
			return
		}
		batch := m.next(min(transfer.MaxBatch, at.Credits()))
		if len(batch) == 0 {
			return
		}
		batch, offered := m.offer(at, batch)
		if errors.Is(offered, transfer.ErrCrowded) {
			m.pause(batch, offered)
			return
		}
		m.crowded = false
		taken := 0
		if offered == nil {
			taken, offered = at.Taken()
		}
		for _, c := range batch[:taken] {
			c.taken()
			m.moved.Add(1)
		}
		for _, c := range batch[taken:] {
			c.doubted = c.doubted || offered != nil
		}
		m.putFirst(batch[taken:])
		if offered != nil {
			m.broken = true
			m.t.log.Warn("a worker takes no more connections: trying another one",
				zap.Int("slot", at.Slot), zap.Int("pid", at.PID), zap.Error(offered))
		} else if taken < len(batch) {
			m.release() // no room there: they are served here, and may ask again
			return
		}
	}
}

// pause lets this worker serve what has no room on its way, until the next try: it
// passes, but nobody knows when, and no client should wait for it.
func (m *mover) pause(batch []*conn, why error) {
	if !m.crowded {
		m.t.log.Warn("connections cannot be handed over for the moment and are served here; "+
			"raise the limit of open files (RLIMIT_NOFILE), which bounds descriptors on their way between a user's processes", zap.Error(why))
	}
	m.crowded, m.rest = true, time.Now().Add(crowdRest)
	m.resting.Store(true)
	m.putFirst(batch)
	m.release()
}

// taker is the first target that has credits; nil without one.
func (m *mover) taker() *target {
	for _, at := range m.targets {
		if at.Credits() > 0 {
			return at
		}
	}
	return nil
}

func (m *mover) next(n int) []*conn {
	m.mu.Lock()
	defer m.mu.Unlock()
	n = min(n, len(m.queue))
	batch := m.queue[:n:n]
	m.queue = m.queue[n:]
	return batch
}

func (m *mover) putFirst(batch []*conn) {
	if len(batch) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queue = append(append(make([]*conn, 0, len(batch)+len(m.queue)), batch...), m.queue...)
}

// offer sends a batch. What it returns is the batch without connections whose
// descriptor is gone, which only a quick stop can do.
func (m *mover) offer(at *target, batch []*conn) (sent []*conn, err error) {
	for len(batch) > 0 {
		records := make([]transfer.Record, len(batch))
		for i, c := range batch {
			records[i] = c.recordOf()
		}
		bad := lend(batch, make([]int, 0, len(batch)), func(fds []int) { err = at.Offer(fds, records) })
		if bad < 0 {
			return batch, err
		}
		m.failed.Add(1)
		batch[bad].taken()
		batch = append(batch[:bad:bad], batch[bad+1:]...)
	}
	return nil, nil
}

// lend calls f with all descriptors, none of which can be closed meanwhile. It
// returns the index of a connection that has none, or -1.
func lend(conns []*conn, fds []int, f func([]int)) (bad int) {
	at := len(fds)
	if at == len(conns) {
		f(fds)
		return -1
	}
	bad = at
	_ = sys.WithFD(conns[at].socket, func(fd int) error {
		bad = lend(conns, append(fds, fd), f)
		return nil
	})
	return bad
}
