package tui

import (
	"cmp"
	"slices"

	"github.com/webchasor/webchasor/internal/control"
)

// orders are the ways to sort the workers. All but the slot begin with the largest.
var orders = []struct {
	name string
	less func(a, b control.Worker) int
}{
	{"slot", func(a, b control.Worker) int { return cmp.Compare(a.Slot, b.Slot) }},
	{"busy", func(a, b control.Worker) int { return cmp.Compare(b.InFlight, a.InFlight) }},
	{"oldest", func(a, b control.Worker) int { return cmp.Compare(b.Oldest, a.Oldest) }},
	{"conn", func(a, b control.Worker) int { return cmp.Compare(b.Connections, a.Connections) }},
	{"req/s", func(a, b control.Worker) int { return cmp.Compare(b.Rate, a.Rate) }},
	{"p99", func(a, b control.Worker) int { return cmp.Compare(b.P99, a.P99) }},
	{"mem", func(a, b control.Worker) int { return cmp.Compare(b.PSS, a.PSS) }},
	{"cpu", func(a, b control.Worker) int { return cmp.Compare(b.CPU, a.CPU) }},
	{"age", func(a, b control.Worker) int { return cmp.Compare(b.Age, a.Age) }},
	{"ended", func(a, b control.Worker) int { return cmp.Compare(b.Restarts, a.Restarts) }},
}

func (s *screen) sort() {
	by := orders[s.order].less
	s.status.Workers = slices.Clone(s.status.Workers)
	slices.SortStableFunc(s.status.Workers, func(a, b control.Worker) int {
		n := cmp.Or(by(a, b), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.PID, b.PID))
		if s.reverse {
			return -n
		}
		return n
	})
}
