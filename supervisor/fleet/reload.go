package fleet

import "fmt"

// reload is the transaction to a new generation: one canary, then the other
// slots one by one, each replacement first, then the new number of workers.
// The old generation stays the committed one until all of that is done.
type reload struct {
	config *config
	before int   // slots when it began
	canary *slot // goes first
}

func (f *Fleet) beginReload(e Reload) {
	c := &config{generation: e.Generation, policy: e.Policy}
	switch {
	case e.Policy.Workers < 1:
		f.emit(Reloaded{Generation: e.Generation, Err: fmt.Sprintf("cannot run %d workers: one is the least", e.Policy.Workers)})
		return
	case f.reload != nil:
		f.refuse(nil, fmt.Sprintf("cannot reload: generation %d is being loaded", f.reload.config.generation))
		return
	case f.rollingBack():
		f.refuse(nil, "cannot reload: the last reload is being rolled back")
		return
	case f.phase == PhaseParked: // nobody serves, so there is nothing to protect
		f.phase = PhaseServing
		f.config = c
		f.grow(e.Policy.Workers, c)
		f.emit(Reloaded{Generation: e.Generation})
		return
	}
	f.postpone()
	f.reload = &reload{config: c, before: len(f.slots), canary: f.slots[0]}
	for _, s := range f.slots[:min(len(f.slots), e.Policy.Workers)] {
		if s.served() {
			f.reload.canary = s
			break
		}
	}
}

// postpone gives the replacement under way back to the queue, so that the
// reload need not wait for its boot. A successor that nobody else waits for ends.
func (f *Fleet) postpone() {
	if f.swap == nil {
		return
	}
	s, p := f.swap.slot, f.swap.plan
	f.swap = nil
	if n := s.successor; n != nil && n.state == StateBooting && !f.vacant(s) {
		f.kill(n, ReasonReload)
	}
	f.insert(p)
}

// advanceReload takes the next step of the transaction when the last one is done.
func (f *Fleet) advanceReload() {
	r := f.reload
	if r == nil || f.swap != nil {
		return
	}
	n := r.config.policy.Workers
	if s := f.nextToRoll(); s != nil {
		s.backoff = backoff{} // earned by the old generation
		f.swap = &swap{slot: s, config: r.config, plan: plan{reason: ReasonReload}}
		if s.current != nil {
			f.swap.plan.id = s.current.id
		}
		return
	}
	f.grow(n, r.config)
	for _, s := range f.slots[:n] {
		if !s.served() {
			return
		}
	}
	f.reload = nil
	f.config = r.config
	f.shrink(n, ReasonScale)
	f.emit(Reloaded{Generation: r.config.generation})
}

// nextToRoll is the next slot without the new generation. Slots that the new
// generation does not have are not rolled; they end with the commit.
func (f *Fleet) nextToRoll() *slot {
	r := f.reload
	if r.canary.config != r.config {
		return r.canary
	}
	for _, s := range f.slots[:min(len(f.slots), r.config.policy.Workers)] {
		if s.config != r.config {
			return s
		}
	}
	return nil
}

// endReload fails the transaction because all workers go anyway.
func (f *Fleet) endReload(why string) {
	f.swap = nil
	if f.reload != nil {
		f.emit(Reloaded{Generation: f.reload.config.generation, Err: why})
		f.reload = nil
	}
}

// rollBack fails the transaction: the old generation serves on. Workers that
// were promoted already are replaced again by urgent plans, one at a time.
func (f *Fleet) rollBack(why string) {
	r := f.reload
	f.endReload(why)
	f.shrink(r.before, ReasonRollback)
	for _, s := range f.slots {
		if n := s.successor; n != nil && n.config == r.config && n.state == StateBooting {
			f.kill(n, ReasonRollback)
		}
		if s.config != r.config {
			continue
		}
		s.config = f.config
		if s.served() {
			f.enqueue(plan{id: s.current.id, reason: ReasonRollback})
		}
	}
}

// rollingBack tells whether a roll-back is under way and makes progress. One
// whose old generation does not boot any more must not lock out the reload
// that would repair it.
func (f *Fleet) rollingBack() bool {
	back := func(p plan) bool { return p.reason == ReasonRollback }
	if f.swap != nil && back(f.swap.plan) {
		return !f.swap.plan.failed
	}
	for _, p := range f.queue {
		if back(p) && !p.failed && f.planned(p) != nil {
			return true
		}
	}
	return false
}
