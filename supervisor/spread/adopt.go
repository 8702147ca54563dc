package spread

import (
	"cmp"
	"slices"

	"github.com/webchasor/webchasor/supervisor/fleet"
)

// Adoption: a worker accepts on the sockets of a slot that is not its own.
type Adoption struct {
	Slot   int
	Worker fleet.ID
}

// Adopt says which adoptions begin and which end. Slots are all that have
// sockets, parked ones too; needs tells of a slot that somebody else has to look
// after, because it has no healthy worker or its worker is full while clients
// wait. An adoption lasts as long as the need and the adopter's health. A full
// worker adopts nothing. Both lists are in slot order.
func Adopt(slots int, needs func(slot int) bool, healthy []Worker, now map[int]fleet.ID) (begin, end []Adoption) {
	burden := make(map[fleet.ID]int) // slots adopted, by worker
	lives := make(map[fleet.ID]bool)
	for _, w := range healthy {
		lives[w.ID] = true
	}
	for slot, id := range now {
		if !needs(slot) {
			end = append(end, Adoption{slot, id})
		} else if lives[id] {
			burden[id]++
		}
	}
	for slot := range slots {
		if lives[now[slot]] || !needs(slot) {
			continue
		}
		if w, ok := adopter(slot, healthy, burden); ok {
			burden[w.ID]++
			begin = append(begin, Adoption{slot, w.ID})
		}
	}
	slices.SortFunc(end, func(a, b Adoption) int { return cmp.Compare(a.Slot, b.Slot) })
	return begin, end
}

// adopter is the worker with the fewest adopted slots, then connections.
func adopter(slot int, healthy []Worker, burden map[fleet.ID]int) (best Worker, ok bool) {
	for _, w := range healthy {
		if w.Slot == slot || w.free() == 0 {
			continue
		}
		if !ok || cmp.Or(
			cmp.Compare(burden[w.ID], burden[best.ID]),
			cmp.Compare(w.Connections, best.Connections),
			cmp.Compare(w.ID, best.ID)) < 0 {
			best, ok = w, true
		}
	}
	return best, ok
}
