package supervisor

import (
	"sync"
	"time"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/sys"
)

// freshFor is how long a weight counts as current. The kernel walks a worker's page
// tables for it, holding the lock that the worker's own page faults need.
const freshFor = 2 * time.Second

// scales read the memory of workers for whoever looks at status, away from the
// loop and not more often than it is worth.
type scales struct {
	mu      sync.Mutex
	weights map[int]weight // by pid
}

type weight struct {
	at       time.Time
	pss, rss int64
}

func newScales() *scales { return &scales{weights: make(map[int]weight)} }

// weigh fills in the memory of the workers listed, and forgets all others. Of
// several who ask at once the first one reads.
func (s *scales) weigh(workers []control.Worker, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	listed := make(map[int]weight, len(workers))
	for i := range workers {
		w := &workers[i]
		if w.PID == 0 {
			continue
		}
		known, ok := s.weights[w.PID]
		if !ok || now.Sub(known.at) > freshFor {
			known = weight{at: now}
			known.pss, known.rss, _ = sys.Memory(w.PID) // gone meanwhile: unknown
		}
		listed[w.PID] = known
		w.PSS, w.RSS = known.pss, known.rss
	}
	s.weights = listed
}
