package steer

import "math"

// Load is what one slot had when it was sampled.
type Load struct {
	// Slot is the slot's index in the socket group: the order of listen.
	Slot int
	// Connections are those held and those waiting in the slot's queue.
	Connections int
	// Capacity is how many connections the worker may hold.
	Capacity int
	// Open is a healthy worker that accepts; not booting, draining, suspect or hung.
	Open bool
	// Adopted is a slot whose queue another slot's healthy worker empties.
	Adopted bool
}

// Total is about what the weights of [Weights] add up to. Rounding makes the
// sum differ by less than the number of slots.
const Total = 1 << 24

const (
	// maxRise bounds a slot's share to that many equal shares. A worker that
	// starts empty beside full ones fills quickly, yet neither a wrong guess
	// nor a long recovery puts every new client on one core. A single connection is free to go anywhere.
	maxRise = 3
	// slack is the part of the present connections, those beyond few per slot,
	// that is planned for as arrivals even in the deepest peace. It keeps a
	// burst that no sample foresaw from following an old, small difference.
	// Few connections are often long streams: they are placed one by one.
	slack = 1.0 / 12
	few   = 8.0
	// least is the smallest number of arrivals to plan for, in all slots together.
	least = 1.0
)

// Weights returns a weight per slot, indexed by [Load.Slot]; its length is the
// highest slot plus one. It fills the open slots like connected vessels: after
// expected further connections all should be equally high, and a slot already
// above that level gets nothing, nor does one beyond its capacity. Closed and
// full slots weigh 0.
//
// Filling, instead of giving all to the least loaded, is what keeps loads that
// are already old from drawing a whole burst to one slot.
//
// If no open slot has room, the open ones share equally: their queues hold
// what their workers cannot take yet. If none is open, the adopted ones do.
// If there are none either, all weights are 0 and the caller leaves the
// program as it is: queues wait for whoever takes the slots.
func Weights(loads []Load, expected float64) []uint32 {
	size := 0
	for _, l := range loads {
		size = max(size, l.Slot+1)
	}
	weights := make([]uint32, size)
	var vessels []vessel
	var held float64
	for _, l := range loads {
		if bottom := max(l.Connections, 0); l.Open && bottom < l.Capacity {
			vessels = append(vessels, vessel{l.Slot, float64(bottom), float64(l.Capacity - bottom)})
			held += float64(bottom)
		}
	}
	if len(vessels) == 0 {
		share(weights, loads)
		return weights
	}
	volume := max(least, slack*(held-few*float64(len(vessels))))
	if expected > volume { // which no NaN is
		volume = expected
	}
	pour(weights, vessels, volume)
	return weights
}

// vessel is an open slot with room.
type vessel struct {
	slot   int
	bottom float64 // connections
	room   float64
}

// pour distributes volume and sets the weights by it.
func pour(weights []uint32, vessels []vessel, volume float64) {
	room, lowest, highest := 0.0, math.Inf(1), 0.0
	for _, v := range vessels {
		room += v.room
		lowest, highest = min(lowest, v.bottom), max(highest, v.bottom)
	}
	volume = min(volume, room)
	limit := max(1, volume*maxRise/float64(len(vessels)))
	rise := func(v vessel, level float64) float64 {
		return max(0, min(level-v.bottom, v.room, limit))
	}
	sum := func(level float64) (total float64) {
		for _, v := range vessels {
			total += rise(v, level)
		}
		return total
	}
	// The sum grows with the level, so halving finds it. Small rooms can make
	// the limit bind everywhere before volume is reached; the level then
	// ends at the top, with all at their limits, which is the best there is.
	low, high := lowest, highest+volume
	for range 48 {
		middle := low + (high-low)/2
		if sum(middle) < volume {
			low = middle
		} else {
			high = middle
		}
	}
	poured := sum(high)
	for _, v := range vessels {
		weights[v.slot] = uint32(math.Round(rise(v, high) / poured * Total))
	}
}

// share gives equal weights to the best there is when no open slot has room.
func share(weights []uint32, loads []Load) {
	fallback := func(want func(Load) bool) (found bool) {
		n := 0
		for _, l := range loads {
			if want(l) {
				n++
			}
		}
		for _, l := range loads {
			if want(l) {
				weights[l.Slot] = uint32(Total / n)
			}
		}
		return n > 0
	}
	_ = fallback(func(l Load) bool { return l.Open }) || fallback(func(l Load) bool { return l.Adopted })
}
