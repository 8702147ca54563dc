package watch

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// exhausted stands for inotify at its limits.
type exhausted struct {
	events chan fsnotify.Event
	errs   chan error
	addErr error
	closed chan struct{}
}

func (e *exhausted) Add(string) error    { return e.addErr }
func (e *exhausted) Remove(string) error { return nil }
func (e *exhausted) WatchList() []string { return nil }
func (e *exhausted) Close() error        { close(e.closed); return nil }
func (e *exhausted) channels() (<-chan fsnotify.Event, <-chan error) {
	return e.events, e.errs
}

func TestFallsBackToPolling(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		addErr error
		fail   func(e *exhausted)
	}{
		"add fails":     {addErr: syscall.ENOSPC},
		"read fails":    {fail: failing},
		"events closed": {fail: func(e *exhausted) { close(e.events) }},
		"errors closed": {fail: func(e *exhausted) { close(e.errs) }},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.yaml")
			put(t, path, "0")
			e := &exhausted{events: make(chan fsnotify.Event), errs: make(chan error), addErr: tt.addErr, closed: make(chan struct{})}
			var warnings []string
			w := start(t, Options{
				Poll: 10 * time.Millisecond, Debounce: 50 * time.Millisecond, IgnoreEmpty: true,
				Log:  func(s string) { warnings = append(warnings, s) },
				open: func() (notifier, error) { return e, nil },
			}, path)
			if tt.fail != nil {
				tt.fail(e)
			}
			select {
			case <-e.closed: // twice would panic
			case <-time.After(deadline):
				t.Fatal("the notifier is not given back")
			}
			for _, content := range []string{"1", "2"} {
				put(t, path, content)
				wait(t, w)
			}
			announced(t, w, 2)
			if len(warnings) != 1 {
				t.Errorf("warnings: %q", warnings)
			}
		})
	}
}

// failing reports errors without end.
func failing(e *exhausted) {
	for {
		select {
		case e.errs <- errors.New("read: input/output error"):
		case <-e.closed:
			return
		case <-time.After(deadline):
			return
		}
	}
}

// The rare looks of the backstop become frequent at once.
func TestFallBackHurries(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yaml")
	put(t, path, "0")
	e := &exhausted{events: make(chan fsnotify.Event), errs: make(chan error), closed: make(chan struct{})}
	o, look := looks(Options{
		Poll: deadline / 8, Debounce: 10 * time.Millisecond, Log: func(string) {},
		open: func() (notifier, error) { return e, nil },
	})
	w := start(t, o, path)
	look(t)
	close(e.events)
	select {
	case <-e.closed:
	case <-time.After(deadline):
		t.Fatal("the notifier is not given back")
	}
	put(t, path, "1")
	wait(t, w) // the backstop would come after the deadline
	announced(t, w, 1)
}

// A lost event is no reason to give up, but one to look.
func TestOverflowLooks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yaml")
	put(t, path, "0")
	e := &exhausted{events: make(chan fsnotify.Event), errs: make(chan error), closed: make(chan struct{})}
	w := start(t, Options{open: func() (notifier, error) { return e, nil }}, path)
	put(t, path, "1")
	e.errs <- fsnotify.ErrEventOverflow
	wait(t, w)
	put(t, path, "2")
	e.errs <- syscall.EINVAL
	wait(t, w)
	announced(t, w, 2)
}

// Where nobody tells (a network file system) the files are read all the same.
func TestBackstop(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yaml")
	put(t, path, "0")
	e := &exhausted{events: make(chan fsnotify.Event), errs: make(chan error), closed: make(chan struct{})}
	w := start(t, Options{Poll: time.Millisecond, Debounce: 10 * time.Millisecond, open: func() (notifier, error) { return e, nil }}, path)
	put(t, path, "1")
	wait(t, w)
	announced(t, w, 1)
}
