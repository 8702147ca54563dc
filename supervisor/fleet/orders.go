package fleet

import "time"

// killRetry is how long a SIGKILL may take. A process in uninterruptible sleep
// takes longer; then it is sent again, so that the log shows it.
const killRetry = 5 * time.Second

// retire lets a worker go by the gentlest way its state allows.
func (f *Fleet) retire(w *worker, why Reason) {
	switch {
	case w.state == StateBooting: // it serves nobody
		f.kill(w, why)
	case w.state == StateReady && w.live == Hung: // it would not hear
		f.abort(w, ReasonSilent)
	case w.state == StateReady:
		f.drain(w, why)
	}
}

func (f *Fleet) drain(w *worker, why Reason) {
	if !f.move(w, StateDraining) {
		return
	}
	p := w.config.policy
	w.reason = why
	w.deadline = f.now.Add(p.GracefulTimeout + p.KillMargin)
	f.emit(Drain{ID: w.id, Reason: why})
}

func (f *Fleet) abort(w *worker, why Reason) {
	if !f.move(w, StateAborting) {
		return
	}
	w.reason = why
	w.deadline = f.now.Add(w.config.policy.AbortBudget)
	f.emit(Abort{ID: w.id, Reason: why})
}

func (f *Fleet) kill(w *worker, why Reason) {
	if !f.move(w, StateKilled) {
		return
	}
	w.reason = why
	f.sendKill(w)
}

func (f *Fleet) sendKill(w *worker) {
	w.deadline = f.now.Add(killRetry)
	f.emit(Kill{ID: w.id, Reason: w.reason})
}

// expire acts on every deadline that has come.
func (f *Fleet) expire() {
	for _, w := range f.workers {
		if w.deadline.IsZero() || f.now.Before(w.deadline) {
			continue
		}
		//exhaustive:enforce
		switch w.state {
		case StateBooting:
			f.bootTimeout(w)
		case StateReady: // it hangs, and its successor took too long
			f.abort(w, ReasonSilent)
		case StateDraining:
			f.overdue(w)
		case StateAborting:
			f.kill(w, w.reason)
		case StateKilled:
			f.sendKill(w)
		case StateGone: // it has no deadline
		}
	}
}

// overdue judges a drain that has used up its time. Streams, which by now are
// all that a worker lets go on, get their own budget, unless the worker leaves because its requests are stuck.
func (f *Fleet) overdue(w *worker) {
	if w.quit {
		f.kill(w, ReasonStop)
		return
	}
	p := w.config.policy
	if w.streams > 0 && w.reason != ReasonTimeout {
		if end := w.since.Add(p.StreamTimeout + p.KillMargin); end.After(f.now) {
			w.extended, w.deadline = true, end
			return
		}
	}
	f.abort(w, ReasonOverdue)
}

// sampledStreams keeps the count for overdue. With its last stream gone, a
// worker on the streams' budget has no more reason to stay.
func (f *Fleet) sampledStreams(w *worker, n int) {
	w.streams = n
	if w.state == StateDraining && w.extended && n == 0 {
		w.deadline = earlier(w.deadline, f.now.Add(w.config.policy.KillMargin))
	}
}
