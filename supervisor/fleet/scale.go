package fleet

import "fmt"

// scale adds or removes slots at the upper end. The number holds until the
// next reload, as in Gunicorn. A parked fleet starts from none.
func (f *Fleet) scale(e Scale) {
	n := len(f.slots) + e.Delta
	switch {
	case f.reload != nil:
		f.refuse(nil, "cannot change the number of workers during a reload")
	case n < 1:
		f.refuse(nil, fmt.Sprintf("cannot go from %d to %d workers: one is the least", len(f.slots), n))
	default:
		f.phase = PhaseServing
		f.shrink(n, ReasonScale)
		f.grow(n, f.config)
	}
}

// park lets every worker go and keeps the master.
func (f *Fleet) park() {
	if f.phase == PhaseParked {
		f.refuse(nil, "the fleet is already parked")
		return
	}
	f.endReload("the workers were stopped (WINCH)")
	f.queue = nil
	f.phase = PhaseParked
	f.shrink(0, ReasonPark)
}
