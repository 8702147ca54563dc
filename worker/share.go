package worker

import (
	"runtime"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
)

// obeyShare follows a new number of workers. The first share came in the environment.
func obeyShare(log *zap.Logger, s *handoff.Share) {
	if s == nil {
		return
	}
	if s.Cores > 0 {
		runtime.GOMAXPROCS(s.Cores)
	}
	if s.Memory > 0 {
		debug.SetMemoryLimit(s.Memory)
	}
	log.Debug("the share of the machine changes", zap.Int("gomaxprocs", s.Cores), zap.Int64("gomemlimit", s.Memory))
}
