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
	each(m.sockets, func(l *socket, slot, fd int) {
		if l.Network != "tcp" || !w.next.Before(now) {
			return
		}
		depth, limit, err := sys.QueueDepth(fd)
		if err != nil || (depth < limit && dropped == 0) {
			return
		}
		w.next = now.Add(complainEvery)
		m.jot(control.KindBacklog, nil, fmt.Sprintf("%s: %d of %d wait to be accepted, %d were dropped", l.Address, depth, limit, dropped))
		m.log.Warn("backlog full", zap.String("address", l.Address), zap.Int("socket", slot),
			zap.Int("depth", depth), zap.Int("limit", limit), zap.Uint64("dropped", dropped),
			zap.String("remedy", "raise BACKLOG (and net.core.somaxconn), add workers, or add a load balancer"))
	})
}

// dropped is how far the overflow counter rose since the last look. The counter belongs to the
// network namespace: another program's overflow shows here too, so the
// warning names the depth beside it.
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
