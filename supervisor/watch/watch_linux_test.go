package watch

import (
	"os"
	"path/filepath"
	"testing"
)

// instances counts this process's inotify instances, of which a user has 128.
func instances(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	n := 0
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil && target == "anon_inode:inotify" {
			n++
		}
	}
	return n
}

// Not parallel: parallel tests have not begun to use inotify while it runs.
func TestCloseGivesInotifyBack(t *testing.T) {
	before := instances(t)
	path := filepath.Join(t.TempDir(), "c.yaml")
	w := start(t, Options{}, path)
	if got := instances(t); got != before+1 {
		t.Errorf("%d instances while watching, %d before", got, before)
	}
	w.Close()
	if got := instances(t); got != before {
		t.Errorf("%d instances after Close, %d before", got, before)
	}
}
