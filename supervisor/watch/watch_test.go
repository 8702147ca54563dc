package watch

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestBurstIsOneNotification(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, sentinel := filepath.Join(dir, "c.yaml"), filepath.Join(dir, "sentinel")
	put(t, path, "0")
	put(t, sentinel, "0")
	w := start(t, Options{Debounce: 500 * time.Millisecond, IgnoreEmpty: true}, path, sentinel)
	for range 200 {
		put(t, path, "again")
		put(t, path, "and again")
	}
	wait(t, w)
	put(t, sentinel, "1")
	wait(t, w)
	announced(t, w, 2)
}

// Another file in the directory that never rests must not put a change off.
func TestBusyNeighbourDelaysNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "c.yaml")
	put(t, path, "0")
	w := start(t, Options{}, path)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = os.WriteFile(filepath.Join(dir, "app.log"), []byte("x"), 0o600)
			}
		}
	})
	put(t, path, "1")
	wait(t, w)
	close(stop)
	wg.Wait()
	announced(t, w, 1)
}

// A file that is written without a pause is announced nevertheless.
func TestEndlessBurstEnds(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yaml")
	put(t, path, "0")
	w := start(t, Options{Debounce: 50 * time.Millisecond}, path)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	defer f.Close()
	for until := time.Now().Add(deadline); time.Now().Before(until); {
		_, err := f.WriteAt([]byte(time.Now().Format(time.RFC3339Nano)), 0)
		must(t, err)
		select {
		case <-w.Changes():
			return
		default:
		}
	}
	t.Fatal("no notification")
}

func TestEmptyFileIsHeldBack(t *testing.T) {
	t.Parallel()
	for _, ignore := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		put(t, path, "0")
		o, look := looks(Options{IgnoreEmpty: ignore})
		w := start(t, o, path)
		look(t)
		put(t, path, "")
		look(t)
		if !ignore {
			wait(t, w)
			announced(t, w, 1)
			continue
		}
		put(t, path, "1")
		look(t)
		wait(t, w)
		announced(t, w, 1)
	}
}

func TestMissingFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "c.yaml")
	o, look := looks(Options{})
	w := start(t, o, path)
	look(t)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	put(t, path, "1")
	wait(t, w)
	look(t)
	must(t, os.RemoveAll(filepath.Join(dir, "a"))) // away: no news
	look(t)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700)) // back, as it was: no news either
	put(t, path, "1")
	look(t)
	put(t, path, "2")
	wait(t, w)
	announced(t, w, 2)
}

func TestBaseline(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yaml")
	put(t, path, "edited since it was loaded")
	w := start(t, Options{Baseline: map[string]Digest{path: Sum([]byte("loaded"))}}, path)
	wait(t, w)
	announced(t, w, 1)

	w = start(t, Options{Baseline: map[string]Digest{path: Sum([]byte("edited since it was loaded"))}}, path)
	put(t, path, "1")
	wait(t, w)
	announced(t, w, 1)
}

func TestLoaded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, sentinel := filepath.Join(dir, "c.yaml"), filepath.Join(dir, "sentinel")
	put(t, path, "0")
	put(t, sentinel, "0")
	w := start(t, Options{IgnoreEmpty: true, Debounce: 500 * time.Millisecond}, path, sentinel)
	put(t, path, "1")
	w.Loaded(map[string]Digest{path: Sum([]byte("1")), "unknown": {}}) // somebody sent HUP meanwhile
	put(t, sentinel, "1")
	wait(t, w)
	w.Loaded(map[string]Digest{path: Sum([]byte("0"))}) // a slow loader read the old content
	wait(t, w)
	announced(t, w, 2)
}

func TestRelativePath(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	put(t, "c.yaml", "0")
	w := start(t, Options{}, "c.yaml")
	t.Chdir(t.TempDir())
	put(t, filepath.Join(dir, "c.yaml"), "1")
	wait(t, w)
	announced(t, w, 1)
}

func TestCloseTwice(t *testing.T) {
	w := start(t, Options{}, filepath.Join(t.TempDir(), "c.yaml"))
	w.Close()
	w.Close()
	w.Loaded(nil) // must not block
}

func TestPipeIsNotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, sentinel := filepath.Join(dir, "pipe"), filepath.Join(dir, "sentinel")
	must(t, syscall.Mkfifo(pipe, 0o600))
	put(t, sentinel, "0")
	w := start(t, Options{}, pipe, sentinel)
	put(t, sentinel, "1")
	wait(t, w)
	announced(t, w, 1)
}
