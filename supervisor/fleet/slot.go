package fleet

// slot is a place for one serving worker.
type slot struct {
	index     int
	config    *config // what the next worker of this slot is started with
	current   *worker // serves, or hangs and is about to go; nil while empty
	successor *worker // boots; or was killed in its boot and is not reaped yet
	backoff   backoff
	bootSlow  bool // a worker of this slot missed boot_timeout
}

func (s *slot) served() bool { return s.current != nil && s.current.state == StateReady }

// place returns the slot in which a worker stands, or nil if it has left.
func (f *Fleet) place(w *worker) *slot {
	if w.slot >= len(f.slots) {
		return nil
	}
	if s := f.slots[w.slot]; s.current == w || s.successor == w {
		return s
	}
	return nil
}

// vacant tells whether a slot wants a successor. A current worker that was
// aborted wants none: its place is filled when its pid is really gone.
func (f *Fleet) vacant(s *slot) bool {
	if s.current == nil || f.swapping(s) {
		return true
	}
	return s.current.state == StateReady && s.current.live == Hung
}

// fill starts the worker a slot is missing.
func (f *Fleet) fill(s *slot) {
	want := s.config
	why := ReasonRollback
	if f.swapping(s) {
		want, why = f.swap.config, f.swap.plan.reason
	}
	if n := s.successor; n != nil {
		if n.state == StateBooting && n.config != want {
			f.kill(n, why) // its exit makes room
		}
		return
	}
	if !f.vacant(s) || f.now.Before(s.backoff.until) {
		return
	}
	f.lastID++
	w := &worker{id: f.lastID, slot: s.index, config: want, state: StateBooting, live: Fresh, since: f.now}
	w.deadline = f.now.Add(want.policy.BootTimeout)
	f.workers = append(f.workers, w)
	s.successor = w
	f.emit(Spawn{ID: w.id, Slot: s.index, Generation: want.generation})
}

// promote makes the ready successor current; the old one leaves the slot.
func (f *Fleet) promote(s *slot) {
	old := s.current
	s.current, s.successor = s.successor, nil
	s.config = s.current.config
	why := ReasonTimeout // it was silent, and beats again
	if f.swapping(s) {
		why = f.swap.plan.reason
		f.swap = nil
	}
	if old != nil {
		f.retire(old, why)
	}
}

// grow adds slots up to n; settle fills them.
func (f *Fleet) grow(n int, c *config) {
	for len(f.slots) < n {
		f.slots = append(f.slots, &slot{index: len(f.slots), config: c})
	}
}

// shrink removes the highest slots down to n; their workers leave.
func (f *Fleet) shrink(n int, why Reason) {
	for len(f.slots) > n {
		last := len(f.slots) - 1
		s := f.slots[last]
		f.slots = f.slots[:last]
		if f.swapping(s) {
			f.swap = nil
		}
		if s.successor != nil {
			f.retire(s.successor, why)
		}
		if s.current != nil {
			f.retire(s.current, why)
		}
	}
}
