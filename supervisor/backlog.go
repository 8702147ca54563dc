package supervisor

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/sys"
)

// complainEvery keeps the backlog warning from filling the log it is read in.
const complainEvery = 10 * time.Second

// backlogWatch notices full accept queues: by their depth, and by the kernel's
// count of connections it had to drop, which rises between two looks too.
type backlogWatch struct {
	next      time.Time
	looked    time.Time
	primed    bool
	overflows uint64
}

// look warns when a queue is at its limit or the kernel dropped connections.
func (w *backlogWatch) look(now time.Time, m *master) {
	if now.Before(w.next) || now.Sub(w.looked) < sampleEvery {
		return // what is dropped meanwhile is counted in the next warning
	}
	w.looked = now
	dropped := w.dropped()
	q := deepest(m.sockets)
	full := q.depth >= q.limit
	if q.limit == 0 || !full && dropped == 0 { // without a TCP queue of ours it is not about us
		return
	}
	w.next = now.Add(complainEvery)
	what := "backlog full"
	if !full {
		what = overflowed
	}
	m.jot(control.KindBacklog, nil, fmt.Sprintf("%s: %d connections were dropped; deepest is %s, where %d of %d wait to be accepted",
		what, dropped, q.address, q.depth, q.limit))
	m.log.Warn(what, zap.String("address", q.address), zap.Int("socket", q.slot),
		zap.Int("depth", q.depth), zap.Int("limit", q.limit), zap.Uint64("dropped", dropped),
		zap.String("remedy", "raise BACKLOG (and net.core.somaxconn), add workers, or add a load balancer"))
}

// overflowed is all that can be said when no queue of ours is full now: the
// kernel counts for the whole network namespace, and a queue may have been full
// between two looks.
const overflowed = "connections dropped: the accept queue of this or another program of the network namespace was full"

// queueLook is one accept queue.
type queueLook struct {
	address            string
	slot, depth, limit int
}

// deepest is the fullest of our queues.
func deepest(sockets []socket) (most queueLook) {
	each(sockets, func(s *socket, slot, fd int) {
		if s.Network != "tcp" {
			return
		}
		depth, limit, err := sys.QueueDepth(fd)
		if err != nil || most.limit > 0 && depth*most.limit <= most.depth*limit {
			return
		}
		most = queueLook{s.Address, slot, depth, limit}
	})
	return most
}

// dropped is how far the overflow counter rose since the last look. The counter belongs to the
// network namespace: another program's overflow shows here too.
func (w *backlogWatch) dropped() uint64 {
	n, err := sys.ListenOverflows()
	if err != nil {
		return 0
	}
	rose := n - w.overflows
	first := !w.primed
	w.primed, w.overflows = true, n
	if first {
		return 0
	}
	return rose
}
