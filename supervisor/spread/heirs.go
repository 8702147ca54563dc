package spread

import (
	"cmp"
	"slices"
)

// Most targets of one transfer. A replacement takes all that its predecessor
// has; the others are for what it cannot take.
const (
	spareHeirs = 2
	mostHeirs  = 8
)

// Heirs chooses who takes over the connections of the worker of a slot: the
// slot's new worker first, then the emptiest others; without a new worker
// (the slot is given up) more of the others share.
func Heirs(slot int, healthy []Worker) []Worker {
	others := slices.Clone(healthy)
	slices.SortFunc(others, func(a, b Worker) int {
		own := func(w Worker) int {
			if w.Slot == slot {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(own(a), own(b)), cmp.Compare(b.free(), a.free()), cmp.Compare(a.ID, b.ID))
	})
	most := mostHeirs
	if len(others) > 0 && others[0].Slot == slot {
		most = 1 + spareHeirs
	}
	return others[:min(len(others), most)]
}
