package fleet

import "time"

// Policy is what the core needs to know of one configuration generation.
type Policy struct {
	Workers         int
	BootTimeout     time.Duration
	Timeout         time.Duration // 0 is off
	SuspectAfter    time.Duration
	GracefulTimeout time.Duration
	StreamTimeout   time.Duration
	RecycleInterval time.Duration
	MaxMemory       int64 // 0 is off
	// QuickTimeout bounds a quick stop; AbortBudget the time a silent worker
	// gets to write its stacks; KillMargin what a drain may overrun before it counts as hung.
	QuickTimeout time.Duration
	AbortBudget  time.Duration
	KillMargin   time.Duration
}
