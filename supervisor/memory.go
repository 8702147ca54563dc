package supervisor

import (
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/sys"
)

// weighEvery is how often memory is read when max_memory is set. The kernel
// walks the worker's page tables for it, so not at every sample.
const weighEvery = time.Second

// memoryWatch paces the reading of memory.
type memoryWatch struct{ next time.Time }

func (w *memoryWatch) due(now time.Time, limit int64) bool {
	if limit == 0 || now.Before(w.next) {
		return false
	}
	w.next = now.Add(weighEvery)
	return true
}

// weigh returns the worker's proportional share of memory in bytes: pages that
// all workers share (the program itself) are not blamed on each of them.
// 0 when it cannot be read, which the core takes as no sample.
func (m *master) weigh(c *child) int64 {
	pss, _, err := sys.Memory(c.pid)
	if err != nil {
		m.log.Debug("cannot read memory of worker", c.fields(zap.Error(err))...)
		return 0
	}
	return pss
}
