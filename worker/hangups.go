package worker

import (
	"sync"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/sys"
)

// hangups finds the exchange whose client has gone. Its mutex is taken inside
// a connection's, never the other way round.
type hangups struct {
	watcher *sys.HangupWatcher
	log     *zap.Logger

	mu      sync.Mutex
	waiting map[uint64]*conn // by exchange id, which is never reused
}

func newHangups(log *zap.Logger) (*hangups, error) {
	w, err := sys.NewHangupWatcher()
	if err != nil {
		return nil, err
	}
	return &hangups{watcher: w, log: log, waiting: make(map[uint64]*conn)}, nil
}

// run reports until close.
func (h *hangups) run() {
	err := h.watcher.Run(func(id uint64) {
		h.mu.Lock()
		c := h.waiting[id]
		h.mu.Unlock()
		if c != nil {
			c.clientGone(id)
		}
	})
	if err != nil {
		h.log.Error("gone clients are no longer noticed while a handler runs", zap.Error(err))
	}
}

func (h *hangups) close() { _ = h.watcher.Close() }

// watch reports whether it succeeded. Without it the handler notices at its next write.
func (h *hangups) watch(c *conn, id uint64) bool {
	h.mu.Lock()
	h.waiting[id] = c
	h.mu.Unlock()
	err := sys.WithFD(c.socket, func(fd int) error { return h.watcher.Add(fd, id) })
	if err != nil {
		h.forget(id)
		h.log.Debug("cannot watch a client", zap.Error(err))
		return false
	}
	return true
}

func (h *hangups) unwatch(c *conn, id uint64) {
	h.forget(id)
	if err := sys.WithFD(c.socket, h.watcher.Remove); err != nil {
		h.log.Debug("cannot stop watching a client", zap.Error(err))
	}
}

func (h *hangups) forget(id uint64) {
	h.mu.Lock()
	delete(h.waiting, id)
	h.mu.Unlock()
}
