package limit

import (
	"slices"
	"time"

	"github.com/webchasor/webchasor/internal/permits"
)

// walk serves the queue: each waiter that can be served is, oldest first, and
// what the others wait for is kept for them. Then it tells the other workers
// what is left. mu is held.
func (l *Limiter) walk() {
	var line permits.Line
	l.blocked = l.blocked[:0]
	plain := l.plain
	for at := l.queue.Front(); at != nil; {
		if l.isBlocked(permits.API) || plain == 0 && l.isBlocked(permits.LLM) {
			break // nobody behind can be served
		}
		w, _ := at.Value.(*waiter)
		here := at
		at = at.Next()
		if !w.llm {
			plain--
		}
		if w.needs.In(l.blocked) {
			continue
		}
		if w.blocker = l.place.Take(w.needs, w.ticket); w.blocker == permits.Taken {
			l.remove(here)
			close(w.granted)
			continue
		}
		l.blocked = append(l.blocked, int16(w.blocker))
		if w.blocker <= permits.LLM {
			line.Blocked[w.blocker] = w.ticket
		}
	}
	if first := l.queue.Front(); first != nil {
		w, _ := first.Value.(*waiter)
		line.Oldest = w.ticket
	}
	line.Waiting, line.Plain = l.queue.Len(), l.plain
	l.place.Tell(line)
}

func (l *Limiter) isBlocked(id int16) bool {
	return slices.Contains(l.blocked, id)
}

// tend serves the queue whenever another worker rings, and now and then
// without that, until it is empty.
func (l *Limiter) tend() {
	look := time.NewTicker(permits.Look)
	defer look.Stop()
	for l.serve() {
		select {
		case <-l.kick:
		case <-look.C:
		}
	}
}

// serve answers the bell and serves the queue; false means that it is empty
// and nobody looks after it any more. What this worker cannot use it passes on
// to those behind its own oldest.
func (l *Limiter) serve() bool {
	l.place.Answer()
	l.mu.Lock()
	defer l.mu.Unlock()
	var before uint64
	if first := l.queue.Front(); first != nil {
		w, _ := first.Value.(*waiter)
		before = w.ticket
	}
	l.walk()
	l.place.Next(before)
	l.tending = l.queue.Len() > 0
	return l.tending
}
