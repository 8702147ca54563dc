package supervisor

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/scoreboard"
)

// requests lists what is under way in all workers, the oldest first, up to
// limit; 0 is all. Of those beyond it only the age is read.
func (m *master) requests(now time.Time, limit int) control.Requests {
	list := control.Requests{Time: now, Requests: []control.Request{}}
	if limit <= 0 {
		limit = math.MaxInt
	}
	clock := m.clock.Now() // one for all, or those looked at last would look older
	found, total := m.oldest(clock, limit)
	for _, f := range found {
		// It may have ended since; what came in its place is younger, but as true.
		if r, ok := f.child.board.Request(f.index, clock); ok {
			list.Requests = append(list.Requests, control.Request{
				Slot: f.child.slot, PID: f.child.pid, ID: r.ID, Method: r.Method, Path: r.Path, Client: r.Client,
				Age: control.Sec(r.Age), Quiet: control.Sec(r.Quiet), Bytes: r.BytesOut, State: requestState(r),
			})
		}
	}
	list.Sort()
	list.Omitted = total - len(found)
	return list
}

// place is where a request under way was found.
type place struct {
	child *child
	index int
	age   time.Duration
}

// oldest finds the oldest requests, in no order, and counts all. It keeps up to
// twice as many as are wanted and throws the younger half away when that is full:
// that is a few comparisons for each, however many there are.
func (m *master) oldest(clock time.Duration, most int) (found []place, total int) {
	byAge := func(a, b place) int { return cmp.Compare(b.age, a.age) }
	least := time.Duration(-1) // a younger one cannot be among them
	for _, c := range m.children {
		for index, age := range c.board.Ages(clock) {
			total++
			if age < least {
				continue
			}
			found = append(found, place{c, index, age})
			if len(found)/2 >= most {
				slices.SortFunc(found, byAge)
				found = found[:most]
				least = found[most-1].age
			}
		}
	}
	if len(found) > most {
		slices.SortFunc(found, byAge)
		found = found[:most]
	}
	return found, total
}

func requestState(r scoreboard.Request) string {
	switch {
	case r.Stuck:
		return "stuck"
	case r.Streaming:
		return "streaming"
	case r.BytesOut > 0:
		return "answering"
	}
	return "waiting"
}
