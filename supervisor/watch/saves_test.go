package watch

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// site is a place where configuration lives, and a way to save it there.
type site struct {
	path     string
	save     func(t testing.TB, content string)
	debounce time.Duration
}

// sites are the ways to save a file. Each returns a fresh one with content "0".
var sites = map[string]func(t testing.TB, dir string) site{
	"rename over": func(t testing.TB, dir string) site {
		path := filepath.Join(dir, "c.yaml")
		put(t, path, "0")
		return site{path: path, save: func(t testing.TB, content string) {
			put(t, path+".tmp", content)
			must(t, os.Rename(path+".tmp", path))
		}}
	},
	"truncate and write": func(t testing.TB, dir string) site {
		path := filepath.Join(dir, "c.yaml")
		put(t, path, "0")
		return site{path: path, save: func(t testing.TB, content string) { put(t, path, content) }}
	},
	"delete and create": func(t testing.TB, dir string) site {
		path := filepath.Join(dir, "c.yaml")
		put(t, path, "0")
		return site{path: path, save: func(t testing.TB, content string) {
			must(t, os.Remove(path))
			put(t, path, content)
		}}
	},
	// vim with backupcopy=no: a probe file, the old one becomes the backup, a
	// new one is written, its mode is set, the backup goes.
	"vim": func(t testing.TB, dir string) site {
		path := filepath.Join(dir, "c.yaml")
		put(t, path, "0")
		return site{path: path, save: func(t testing.TB, content string) {
			put(t, filepath.Join(dir, "4913"), "")
			must(t, os.Remove(filepath.Join(dir, "4913")))
			must(t, os.Rename(path, path+"~"))
			put(t, path, content)
			must(t, os.Chmod(path, 0o640))
			must(t, os.Remove(path+"~"))
		}}
	},
	// kubelet's AtomicWriter: the file is a link to ..data/c.yaml and ..data
	// a link to a directory with a time in its name.
	"kubernetes": func(t testing.TB, dir string) site {
		path, data := filepath.Join(dir, "c.yaml"), filepath.Join(dir, "..data")
		next := func(t testing.TB, content string) {
			old, _ := os.Readlink(data)
			fresh, err := os.MkdirTemp(dir, "..2026_11_22_")
			must(t, err)
			put(t, filepath.Join(fresh, "c.yaml"), content)
			must(t, os.Symlink(filepath.Base(fresh), data+"_tmp"))
			must(t, os.Rename(data+"_tmp", data))
			if old != "" {
				must(t, os.RemoveAll(filepath.Join(dir, old)))
			}
		}
		next(t, "0")
		must(t, os.Symlink(filepath.Join("..data", "c.yaml"), path))
		return site{path: path, save: next}
	},
	// A deploy tool swaps "current" far above the file.
	"release link": func(t testing.TB, dir string) site {
		current := filepath.Join(dir, "current")
		next := func(t testing.TB, content string) {
			fresh, err := os.MkdirTemp(dir, "release")
			must(t, err)
			must(t, os.Mkdir(filepath.Join(fresh, "etc"), 0o700))
			put(t, filepath.Join(fresh, "etc", "c.yaml"), content)
			must(t, os.Symlink(fresh, current+".new"))
			must(t, os.Rename(current+".new", current))
		}
		next(t, "0")
		return site{path: filepath.Join(current, "etc", "c.yaml"), save: next}
	},
	"directory exchanged": func(t testing.TB, dir string) site {
		conf := filepath.Join(dir, "conf")
		must(t, os.Mkdir(conf, 0o700))
		put(t, filepath.Join(conf, "c.yaml"), "0")
		return site{path: filepath.Join(conf, "c.yaml"), save: func(t testing.TB, content string) {
			must(t, os.Mkdir(conf+".new", 0o700))
			put(t, filepath.Join(conf+".new", "c.yaml"), content)
			must(t, os.Rename(conf, conf+".old"))
			must(t, os.Rename(conf+".new", conf))
			must(t, os.RemoveAll(conf+".old"))
		}}
	},
	"append": func(t testing.TB, dir string) site {
		path := filepath.Join(dir, "c.yaml")
		put(t, path, "0")
		return site{path: path, save: func(t testing.TB, content string) {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteString(content)
			must(t, err)
			must(t, f.Close())
		}}
	},
	"one megabyte": func(t testing.TB, dir string) site {
		path := filepath.Join(dir, "c.yaml")
		put(t, path, "0")
		return site{path: path, save: func(t testing.TB, content string) { put(t, path, strings.Repeat(content, 1<<20)) }}
	},
}

// each runs a test at every site, with a sentinel file in the same directory
// as the second path.
func each(t *testing.T, f func(t *testing.T, s site, sentinel string)) {
	for name, make := range sites {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			sentinel := filepath.Join(dir, "sentinel")
			put(t, sentinel, "0")
			s := make(t, dir)
			// None of them has a half-written state that counts, so none needs
			// a long pause, except for a big file in several pieces.
			if s.debounce = 30 * time.Millisecond; name == "one megabyte" {
				s.debounce = 0
			}
			f(t, s, sentinel)
		})
	}
}

func TestEachSaveIsOneNotification(t *testing.T) {
	each(t, func(t *testing.T, s site, sentinel string) {
		w := start(t, Options{IgnoreEmpty: true, Debounce: s.debounce}, s.path, sentinel)
		for _, content := range []string{"1", "2", "3"} {
			s.save(t, content)
			wait(t, w)
		}
		// Had one of them a second notification on its way, it would come
		// before the sentinel's.
		put(t, sentinel, "1")
		wait(t, w)
		announced(t, w, 4)
	})
}

func TestEachSaveIsOneNotificationByPolling(t *testing.T) {
	each(t, func(t *testing.T, s site, sentinel string) {
		var warnings []string
		w := start(t, Options{
			IgnoreEmpty: true, Debounce: s.debounce, Poll: 20 * time.Millisecond,
			Log:  func(s string) { warnings = append(warnings, s) },
			open: func() (notifier, error) { return nil, syscall.EMFILE },
		}, s.path, sentinel)
		for _, content := range []string{"1", "2", "3"} {
			s.save(t, content)
			wait(t, w)
		}
		put(t, sentinel, "1")
		wait(t, w)
		announced(t, w, 4)
		if len(warnings) != 1 || !strings.Contains(warnings[0], "max_user_instances") || !strings.Contains(warnings[0], syscall.EMFILE.Error()) {
			t.Errorf("warnings: %q", warnings)
		}
	})
}

// The same content again, a new time stamp, a new mode: nothing has changed.
func TestSameContentIsNoNotification(t *testing.T) {
	each(t, func(t *testing.T, s site, sentinel string) {
		o, look := looks(Options{IgnoreEmpty: true, Debounce: s.debounce})
		w := start(t, o, s.path, sentinel)
		look(t) // the first one is due at the start
		s.save(t, "1")
		look(t)
		wait(t, w)
		if !strings.HasSuffix(t.Name(), "append") { // which cannot save the same
			s.save(t, "1")
			look(t)
		}
		must(t, os.Chtimes(s.path, time.Now(), time.Now()))
		must(t, os.Chmod(s.path, 0o644))
		look(t)
		put(t, sentinel, "1")
		wait(t, w)
		announced(t, w, 2)
	})
}
