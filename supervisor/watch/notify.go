package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/fsnotify/fsnotify"
)

// notifier is what this package needs of fsnotify; tests make it fail.
type notifier interface {
	Add(dir string) error
	Remove(dir string) error
	WatchList() []string
	Close() error
	channels() (<-chan fsnotify.Event, <-chan error)
}

type system struct{ *fsnotify.Watcher }

func (s system) channels() (<-chan fsnotify.Event, <-chan error) { return s.Events, s.Errors }

func newSystem() (notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return system{w}, nil
}

// directories keeps the notifier's watches in step with the places that matter.
type directories struct {
	notifier
	places map[string]bool
	added  map[string]os.FileInfo // by path
}

func newDirectories(n notifier) *directories {
	return &directories{notifier: n, added: map[string]os.FileInfo{}}
}

// follow watches the directories of these paths, and forgets others. A
// directory that is not there is no error: its own place is in a directory
// that is. The remaining errors mean that events cannot be relied upon.
func (d *directories) follow(paths []string) error {
	// A link may change between looking and watching, hence the second look.
	for range 3 {
		places, wanted := map[string]bool{}, map[string]bool{}
		for _, p := range paths {
			for _, place := range resolve(p) {
				places[place] = true
				wanted[filepath.Dir(place)] = true
			}
		}
		if d.places = places; !d.stale(wanted) {
			return nil
		}
		for dir := range d.added {
			if !wanted[dir] {
				d.forget(dir)
			}
		}
		for dir := range wanted {
			if err := d.watch(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// stale tells whether a watch is missing, superfluous, or on a directory that
// has been replaced by another one of the same name.
func (d *directories) stale(wanted map[string]bool) bool {
	if len(wanted) != len(d.added) {
		return true
	}
	for dir := range wanted {
		if !d.current(dir) {
			return true
		}
	}
	return false
}

func (d *directories) current(dir string) bool {
	before, ok := d.added[dir]
	now, err := os.Stat(dir)
	return ok && err == nil && os.SameFile(before, now) && slices.Contains(d.WatchList(), dir)
}

func (d *directories) watch(dir string) error {
	if d.current(dir) {
		return nil
	}
	d.forget(dir)
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if err := d.Add(dir); err != nil {
		return err
	}
	d.added[dir] = info
	return nil
}

func (d *directories) forget(dir string) {
	_ = d.Remove(dir) // it may be gone with its directory
	delete(d.added, dir)
}

// matters tells whether an event can change what a watched path means: it is
// about one of the places, or about a watched directory itself. Other files in
// the directory may be as busy as they like.
func (d *directories) matters(e fsnotify.Event) bool {
	_, itself := d.added[e.Name]
	return itself || d.places[e.Name]
}
