package supervisor

import (
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// Times that are not settings, because no operator has a reason to change them.
const (
	// suspectAfter is five missed heartbeats: long enough for a busy machine,
	// short enough to steer new traffic away within a second.
	suspectAfter = 500 * time.Millisecond
	// quickTimeout bounds a quick stop.
	quickTimeout = 2 * time.Second
	// abortBudget is for writing stacks: 10,000 goroutines take up to 2 s.
	abortBudget = 5 * time.Second
	// killMargin is what a worker may need beyond its own drain deadlines, which
	// include a second for terminal error events, before it counts as hung.
	killMargin = 3 * time.Second
)

// spareThreads are what the master may need at once beyond what it has used at its
// start: blocking calls on slow disks, and the collector.
const spareThreads = 8

// policyOf extracts what the decision core needs to know.
func policyOf(s *config.Settings) fleet.Policy {
	return fleet.Policy{
		Workers:         s.Workers,
		BootTimeout:     s.BootTimeout,
		Timeout:         s.Timeout,
		SuspectAfter:    suspectAfter,
		GracefulTimeout: s.GracefulTimeout,
		StreamTimeout:   s.StreamTimeout,
		RecycleInterval: s.RecycleInterval,
		MaxMemory:       s.MaxMemory,
		QuickTimeout:    quickTimeout,
		AbortBudget:     abortBudget,
		KillMargin:      killMargin,
	}
}
