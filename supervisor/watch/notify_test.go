package watch

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// listed is a notifier that remembers what it was told.
type listed struct {
	notifier
	dirs   []string
	addErr error
}

func (l *listed) Add(dir string) error {
	if l.addErr == nil {
		l.dirs = append(l.dirs, dir)
	}
	return l.addErr
}

func (l *listed) Remove(dir string) error {
	l.dirs = slices.DeleteFunc(l.dirs, func(d string) bool { return d == dir })
	return nil
}

func (l *listed) WatchList() []string { return l.dirs }

func TestFollowKeepsTheListShort(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	at := func(p string) string { return filepath.Join(root, p) }
	must(t, os.MkdirAll(at("r1"), 0o700))
	must(t, os.MkdirAll(at("r2"), 0o700))
	must(t, os.Symlink("r1", at("current")))
	l := &listed{}
	d := newDirectories(l)
	want := func(dirs ...string) {
		t.Helper()
		must(t, d.follow([]string{at("current/c.yaml")}))
		if got := slices.Sorted(slices.Values(l.dirs)); !slices.Equal(got, dirs) {
			t.Errorf("watching %v, want %v", got, dirs)
		}
	}
	want(root, at("r1"))
	must(t, os.Remove(at("current")))
	want(root)
	must(t, os.Symlink("r2", at("current")))
	want(root, at("r2"))
	l.dirs = []string{root} // the kernel dropped one with its directory
	want(root, at("r2"))
}

func TestMatters(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	d := newDirectories(&listed{})
	must(t, d.follow([]string{filepath.Join(root, "c.yaml")}))
	for name, want := range map[string]bool{"c.yaml": true, "": true, "c.yaml~": false, "..": false, "other": false} {
		if got := d.matters(fsnotify.Event{Name: filepath.Join(root, name)}); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
}

func TestFollowErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := newDirectories(&listed{addErr: syscall.ENOENT}).follow([]string{path}); err != nil {
		t.Errorf("a directory that just went away: %v", err)
	}
	if err := newDirectories(&listed{addErr: syscall.ENOSPC}).follow([]string{path}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("no watches left: %v", err)
	}
}

// Nobody tells when a directory further up is exchanged: the watch stays on
// the old one. The next look has to notice.
func TestFollowNoticesAnotherDirectoryOfTheSameName(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	conf := filepath.Join(root, "app", "conf")
	path := filepath.Join(conf, "c.yaml")
	must(t, os.MkdirAll(conf, 0o700))
	n, err := newSystem()
	must(t, err)
	defer n.Close()
	d := newDirectories(n)
	must(t, d.follow([]string{path}))
	must(t, os.Rename(filepath.Join(root, "app"), filepath.Join(root, "old")))
	must(t, os.MkdirAll(conf, 0o700))
	must(t, d.follow([]string{path}))
	put(t, path, "1")
	events, _ := n.channels()
	for {
		select {
		case e := <-events:
			if e.Name == path {
				return
			}
		case <-time.After(deadline):
			t.Fatal("the new directory is not watched")
		}
	}
}
