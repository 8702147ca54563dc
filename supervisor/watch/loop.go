package watch

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// patience and backstop are multiples of Debounce and Poll, see [Options].
const (
	patience = 25
	backstop = 10
)

// maxFailures is how many errors of the notifier one burst may hold.
const maxFailures = 20

func (w *Watcher) run() {
	defer close(w.done)
	defer w.settle.Stop()
	defer w.poll.Stop()
	defer w.deafen()
	for {
		// Without a notifier both are nil and never ready.
		var events <-chan fsnotify.Event
		var failures <-chan error
		if w.dirs != nil {
			events, failures = w.dirs.channels()
		}
		select {
		case <-w.stop:
			return
		case e, ok := <-events:
			switch {
			case !ok:
				w.fallBack(fsnotify.ErrClosed)
			case w.dirs.matters(e):
				w.stir()
			}
		case err, ok := <-failures:
			if !ok {
				err = fsnotify.ErrClosed
			}
			// A queue that overflowed, or a directory that moved (EINVAL from
			// removing its watch): look again, and go on. Only errors without
			// end, or the end of the channel, mean that it is broken.
			w.failed++
			if !ok || w.failed > maxFailures {
				w.fallBack(err)
			}
			w.stir()
		case digests := <-w.loaded:
			for p, d := range digests {
				if _, ok := w.known[p]; ok {
					w.known[p] = d
				}
			}
			w.stir()
		case <-w.settle.C:
			w.settled()
		case <-w.poll.C:
			w.polled()
			w.poll.Reset(w.interval())
		}
	}
}

// interval is the time to the next look without an event.
func (w *Watcher) interval() time.Duration {
	if w.dirs == nil {
		return w.o.Poll
	}
	return backstop * w.o.Poll
}

// stir begins or prolongs a burst.
func (w *Watcher) stir() {
	now := time.Now()
	if w.since.IsZero() {
		w.since = now
	}
	w.candidate = nil
	w.settle.Reset(max(0, min(w.o.Debounce, w.since.Add(patience*w.o.Debounce).Sub(now))))
}

// polled looks without an event. There is no telling whether a writer is at
// work, so what it sees has to last for a Debounce.
func (w *Watcher) polled() {
	if !w.since.IsZero() {
		return // a burst is under way and will look
	}
	w.follow()
	if seen := w.differing(); len(seen) > 0 {
		w.since = time.Now()
		w.candidate = seen
		w.settle.Reset(w.o.Debounce)
	}
}

// settled ends a burst.
func (w *Watcher) settled() {
	w.follow() // first, so that a change after the look makes an event
	seen := w.differing()
	unsure := w.candidate != nil || w.dirs == nil
	if unsure && len(seen) > 0 && !maps.Equal(seen, w.candidate) && time.Since(w.since) < patience*w.o.Debounce {
		w.candidate = seen
		w.settle.Reset(w.o.Debounce)
		return
	}
	w.since, w.candidate, w.failed = time.Time{}, nil, 0
	defer w.o.looked()
	if len(seen) == 0 {
		return
	}
	maps.Copy(w.known, seen)
	w.announced++
	select {
	case w.changes <- struct{}{}:
	default: // one is waiting already, and whoever takes it reads the files then
	}
}

// differing returns the files whose content is not the known one.
func (w *Watcher) differing() map[string]Digest {
	seen := map[string]Digest{}
	for _, p := range w.paths {
		if d, ok := w.look(p); ok && d != w.known[p] {
			seen[p] = d
		}
	}
	return seen
}

// look reads one file; ok is false while there is nothing to be read.
func (w *Watcher) look(path string) (d Digest, ok bool) {
	d, err := read(w.abs[path])
	if err != nil || w.o.IgnoreEmpty && d == empty {
		return Digest{}, false
	}
	return d, true
}

// follow brings the watches up to date, or gives them up.
func (w *Watcher) follow() {
	if w.dirs == nil {
		return
	}
	if err := w.dirs.follow(slices.Collect(maps.Values(w.abs))); err != nil {
		w.fallBack(err)
	}
}

// fallBack goes on without the notifier.
func (w *Watcher) fallBack(err error) {
	w.deafen()
	w.warn(err)
	if w.poll != nil {
		w.poll.Reset(w.interval())
	}
}

// deafen gives the notifier back.
func (w *Watcher) deafen() {
	if w.dirs != nil {
		_ = w.dirs.Close()
		w.dirs = nil
	}
}

// warn is called once at most: it goes with the loss of the notifier.
func (w *Watcher) warn(err error) {
	w.o.Log(fmt.Sprintf("cannot be told about configuration changes: %v; looking every %s instead (if inotify is exhausted, raise fs.inotify.max_user_instances or fs.inotify.max_user_watches)", err, w.o.Poll))
}
