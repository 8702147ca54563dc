package fleet

import (
	"fmt"
	"time"
)

// Statuses of the master when the first boot fails; Gunicorn's values.
const (
	exitBoot = 3
	exitLoad = 4
)

// bootKills in a row, from outside, in one slot, before any worker was ever
// ready, end the first boot: somebody who kills by hand does not go on, a
// machine without the memory does.
const bootKills = 5

func (f *Fleet) ready(e Ready) {
	w := f.known(e.ID, "Ready")
	if w == nil || w.state == StateAborting || w.state == StateKilled { // its word crossed our signal
		return
	}
	if !f.move(w, StateReady) {
		return
	}
	w.readyAt, w.floor = f.now, f.now
	f.everReady = true
	f.promote(f.place(w)) // a booting worker that lost its slot was killed, so there is one
}

// bootTimeout ends a boot that takes too long, by way of its stacks: they name
// what the application's setup waits for.
func (f *Fleet) bootTimeout(w *worker) {
	limit := fmt.Sprintf("ready within boot_timeout (%s)", w.config.policy.BootTimeout)
	detail := "did not become " + limit
	f.abort(w, ReasonBoot)
	f.note(NoteBootFailed, w, detail)
	s := f.place(w)
	s.bootSlow = true
	f.bootFailed(s, w, detail)
	if f.phase == PhaseServing && !f.everReady && f.reload == nil && f.allSlow() {
		f.giveUp(exitBoot, "no worker became "+limit)
	}
}

func (f *Fleet) allSlow() bool {
	for _, s := range f.slots {
		if !s.bootSlow {
			return false
		}
	}
	return true
}

// bootFailed tells those who waited for a successor that it will not come.
func (f *Fleet) bootFailed(s *slot, w *worker, detail string) {
	if f.reload != nil && w.config == f.reload.config {
		f.rollBack(fmt.Sprintf("worker %d in slot %d: %s", w.id, s.index, detail))
	} else if f.swapping(s) {
		f.retryLater()
	}
	if c := s.current; c != nil && c.state == StateReady && c.live == Hung {
		f.abort(c, ReasonSilent)
	}
}

func (f *Fleet) spawnFailed(e SpawnFailed) {
	w := f.known(e.ID, "SpawnFailed")
	if w == nil {
		return
	}
	if !w.readyAt.IsZero() {
		f.refuse(w, "cannot have failed to spawn: it was ready")
		return
	}
	f.died(w, Exited{ID: e.ID, Code: exitBoot, Detail: "cannot spawn: " + e.Err, Roll: e.Roll})
}

func (f *Fleet) exited(e Exited) {
	if w := f.known(e.ID, "Exited"); w != nil {
		f.died(w, e)
	}
}

// died removes a worker and draws the consequences for its slot.
func (f *Fleet) died(w *worker, e Exited) {
	s := f.place(w)
	byUs := w.state == StateAborting || w.state == StateKilled
	early := w.readyAt.IsZero() || f.now.Sub(w.readyAt) <= backoffGrace
	if !f.move(w, StateGone) {
		return
	}
	f.forget(w)
	if !byUs && w.readyAt.IsZero() {
		f.note(NoteBootFailed, w, e.Detail)
	}
	if s == nil {
		return // it had left its slot before
	}
	if s.current == w {
		s.current = nil
	} else {
		s.successor = nil
	}
	if f.phase != PhaseServing {
		return
	}
	itself := !byUs && !e.Outside // its own fault
	switch {
	case f.reload != nil && w.config == f.reload.config && itself && early:
		// A new generation that gets ready and falls over at once has not booted either.
		f.rollBack(fmt.Sprintf("worker %d in slot %d: %s", w.id, s.index, e.Detail))
		f.bootFailed(s, w, e.Detail)
		return
	case itself && !f.everReady:
		code := exitBoot
		if e.Code == exitLoad {
			code = exitLoad
		}
		f.giveUp(code, e.Detail)
		return
	}
	atBoot := e.Outside && w.readyAt.IsZero()
	f.delayRespawn(s, w, e.Roll, early && (itself || w.reason == ReasonBoot) || atBoot)
	if atBoot && !f.everReady && s.backoff.failures >= bootKills {
		f.giveUp(exitBoot, fmt.Sprintf("%d workers of slot %d in a row were killed before they were ready, the last one: %s",
			s.backoff.failures, s.index, e.Detail))
		return
	}
	if !byUs && w.readyAt.IsZero() {
		f.bootFailed(s, w, e.Detail)
	}
}

// delayRespawn keeps the slot's backoff. A missed boot_timeout counts like a
// crash, although the kill was ours, and so does a signal from outside before
// the worker was ready: that may be a machine without the memory to boot it.
// Any other death is no reason to wait.
func (f *Fleet) delayRespawn(s *slot, w *worker, roll float64, counts bool) {
	if w.config != s.config {
		return // of a generation that this slot does not run
	}
	s.backoff.forgive(w, f.now)
	s.backoff.forgive(s.current, f.now)
	if !counts {
		s.backoff.until = time.Time{}
		return
	}
	if d := s.backoff.fail(f.now, roll); d > 0 {
		f.note(NoteBackoff, w, fmt.Sprintf("next worker of slot %d in %s: %d early deaths in a row",
			s.index, d.Round(time.Millisecond), s.backoff.failures))
	}
}
