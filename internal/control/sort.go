package control

import (
	"cmp"
	"slices"
)

// Sort puts the oldest first.
func (r *Requests) Sort() {
	slices.SortFunc(r.Requests, func(a, b Request) int {
		return cmp.Or(cmp.Compare(b.Age, a.Age), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.ID, b.ID))
	})
}
