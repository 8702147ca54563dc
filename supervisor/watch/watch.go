package watch

import (
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Options tune a [Watcher]. The zero value is useful.
type Options struct {
	// Debounce is how long it must be quiet before a change is announced;
	// default 200 ms. Under constant changes it is announced after 25 times that.
	Debounce time.Duration
	// Poll is how often the files are read when the system does not tell about
	// changes; default 2 s. When it does, they are still read every 10 x Poll,
	// because nobody tells about changes on a network file system.
	Poll time.Duration
	// IgnoreEmpty: an empty file counts as one that is away. Set it where an
	// empty file makes no sense and can only be one that is being written.
	IgnoreEmpty bool
	// Baseline is what has been loaded, by the paths given to [New], so that an
	// edit between loading and New is announced. Without an entry it is the
	// content at New.
	Baseline map[string]Digest
	// Log gets warnings for the operator; may be nil. It is called from the
	// Watcher's goroutine and from New.
	Log func(warning string)

	open   func() (notifier, error)
	looked func() // after each look that ends a burst; for tests
}

func (o Options) withDefaults() Options {
	if o.Debounce <= 0 {
		o.Debounce = 200 * time.Millisecond
	}
	if o.Poll <= 0 {
		o.Poll = 2 * time.Second
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.open == nil {
		o.open = newSystem
	}
	if o.looked == nil {
		o.looked = func() {}
	}
	return o
}

// Watcher watches some files. One goroutine owns its state.
type Watcher struct {
	o       Options
	paths   []string          // as given
	abs     map[string]string // path -> absolute path
	changes chan struct{}
	loaded  chan map[string]Digest
	stop    chan struct{}
	close   sync.Once
	done    chan struct{}

	// The goroutine's own.
	known     map[string]Digest // what was announced or loaded last
	candidate map[string]Digest // what a poll saw; nil if events began this
	dirs      *directories      // nil: polling only
	since     time.Time         // first event of the burst; zero: none under way
	settle    *time.Timer       // ends the burst
	poll      *time.Timer
	failed    int // errors of the notifier in this burst
	announced int // for tests
}

// New starts to watch files. They need not exist. It always works: when the
// system's notification cannot be had (inotify's limits), it warns once and
// polls. The caller has to Close it.
func New(paths []string, o Options) *Watcher {
	w := &Watcher{
		o: o.withDefaults(), paths: slices.Clone(paths), abs: map[string]string{},
		changes: make(chan struct{}, 1), loaded: make(chan map[string]Digest, 16), stop: make(chan struct{}), done: make(chan struct{}),
		known: map[string]Digest{},
	}
	for _, p := range w.paths {
		if abs, err := filepath.Abs(p); err == nil {
			w.abs[p] = abs
		} else {
			w.abs[p] = p
		}
	}
	if n, err := w.o.open(); err != nil {
		w.fallBack(err)
	} else {
		w.dirs = newDirectories(n)
		w.follow()
	}
	// After the watches are in place, so that no change falls in between.
	for _, p := range w.paths {
		var ok bool
		if w.known[p], ok = w.o.Baseline[p]; !ok {
			w.known[p], _ = w.look(p)
		}
	}
	w.settle = time.NewTimer(w.o.Debounce)
	w.since = time.Now()
	w.poll = time.NewTimer(w.interval())
	go w.run()
	return w
}

// Changes delivers one value per change. Values that nobody takes are merged
// into one. It is never closed.
func (w *Watcher) Changes() <-chan struct{} { return w.changes }

// Loaded tells what has been loaded since, for whatever reason, so that a
// change that is already loaded is not announced, and one that was missed is.
// It does not wait for the Watcher's goroutine unless that is 16 calls behind.
func (w *Watcher) Loaded(baseline map[string]Digest) {
	select {
	case w.loaded <- maps.Clone(baseline):
	case <-w.stop:
	}
}

// Close ends the watch and waits until its goroutine is gone. It may be called
// more than once.
func (w *Watcher) Close() {
	w.close.Do(func() { close(w.stop) })
	<-w.done
}
