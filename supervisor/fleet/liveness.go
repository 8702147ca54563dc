package fleet

import (
	"fmt"
	"time"
)

// Liveness is what the heartbeat of a ready or draining worker says.
type Liveness string

// The degrees of liveness.
const (
	Fresh   Liveness = "fresh"
	Suspect Liveness = "suspect" // silent for Policy.SuspectAfter
	Hung    Liveness = "hung"    // silent for Policy.Timeout; to be replaced
)

// heavySamples is how many samples above max_memory in a row are a fact and
// not a peak.
const heavySamples = 3

// sampled judges workers by what their scoreboards say. Silence is judged only
// here, with fresh evidence in hand, never by a timer. A booting worker has
// its own clock.
func (f *Fleet) sampled(e Sampled) {
	for _, r := range e.Readings {
		w := f.find(r.ID)
		if w == nil || w.state != StateReady && w.state != StateDraining {
			continue
		}
		f.sampledStreams(w, r.Streams)
		f.sampledMemory(w, r.Memory)
		f.sampledBeat(w, r.Beat)
	}
}

func (f *Fleet) sampledBeat(w *worker, beat time.Time) {
	beat = earlier(beat, f.now)
	beats := beat.After(w.beat)
	if beats {
		w.beat = beat
	}
	p := w.config.policy
	quiet := f.now.Sub(later(w.beat, w.floor))
	switch {
	case p.Timeout > 0 && quiet > p.Timeout:
		f.hung(w, quiet)
	case p.SuspectAfter > 0 && quiet > p.SuspectAfter:
		if w.live == Fresh {
			w.live = Suspect
			f.note(NoteSuspect, w, fmt.Sprintf("no heartbeat for %s", quiet.Round(time.Millisecond)))
		}
	case w.live != Fresh && beats:
		// Only a new heartbeat clears a suspicion, not a baseline that was moved.
		f.note(NoteRecovered, w, fmt.Sprintf("beats again, was %s", w.live))
		w.live = Fresh
		if w.state == StateReady {
			w.deadline = time.Time{}
		}
	}
}

// hung handles a worker that is silent for too long: vacant now asks for a
// successor, and the worker is aborted when that one is ready or fails, or at
// the deadline set here. One that drains has handed over already.
func (f *Fleet) hung(w *worker, quiet time.Duration) {
	if w.live == Hung || w.quit {
		return
	}
	w.live = Hung
	f.note(NoteTimeout, w, fmt.Sprintf("no heartbeat for %s", quiet.Round(time.Millisecond)))
	if w.state == StateDraining {
		f.abort(w, ReasonSilent)
		return
	}
	w.deadline = f.now.Add(w.config.policy.BootTimeout)
}

func (f *Fleet) sampledMemory(w *worker, bytes int64) {
	limit := w.config.policy.MaxMemory
	if limit <= 0 || bytes <= 0 {
		return
	}
	if bytes <= limit {
		w.heavy = 0
		return
	}
	if w.heavy++; w.heavy >= heavySamples && w.state == StateReady {
		f.enqueue(plan{id: w.id, reason: ReasonMemory})
	}
}
