package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestEditsReloadOnce changes the configuration in every way editors and
// orchestrators do; each change is exactly one reload.
func TestEditsReloadOnce(t *testing.T) {
	cases := map[string]func(t *testing.T, path, text string){
		"rename over":   renameOver,
		"truncate":      truncateAndWrite,
		"delete create": deleteAndCreate,
		"config map":    swapConfigMap,
	}
	for name, edit := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "webchasor.yaml")
			config := func(connections int) string {
				return fmt.Sprintf("server:\n  workers: 1\n  worker_connections: %d\n", connections)
			}
			edit(t, path, config(100))
			p := startWith(t, testproc.Options{
				App: appFastHTTP, Dir: dir, Args: []string{"serve", "-c", path}, Env: []string{"WATCH=true", "WEB_WORKERS"},
			})
			p.Up()
			old := p.WaitWorkers(1)
			for round := 1; round <= 3; round++ {
				mark := p.Log.Mark()
				edit(t, path, config(100+round))
				p.WaitLog(mark, testproc.Msg(msgReloaded), "the edit is a reload")
				wantLine(t, p, mark, testproc.Text("setting changes", "worker_connections", fmt.Sprint(100+round)), "what changed")
				old = p.WaitReplaced(old, 1)
			}
			// A reload too many would have been announced before this one.
			if n := len(p.Log.Lines(0, testproc.Msg("reloading"))); n != 3 {
				t.Errorf("3 edits made %d reloads", n)
			}
			p.Stop(0)
		})
	}
}

func renameOver(t *testing.T, path, text string) {
	t.Helper()
	put(t, path+".new", text)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func truncateAndWrite(t *testing.T, path, text string) {
	t.Helper()
	put(t, path, text)
}

func deleteAndCreate(t *testing.T, path, text string) {
	t.Helper()
	_ = os.Remove(path)
	put(t, path, text)
}

func swapConfigMap(t *testing.T, path, text string) {
	t.Helper()
	swapFiles(t, filepath.Dir(path), map[string]string{filepath.Base(path): text})
}

// swapFiles does what a kubelet does: a new directory, a link beside
// ..data, a rename of the link over it, and the old directory removed.
func swapFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "..data")
	before, _ := os.Readlink(data)
	fresh, err := os.MkdirTemp(dir, "..2026_")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		put(t, filepath.Join(fresh, name), text)
	}
	if err := os.Symlink(filepath.Base(fresh), data+"_tmp"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(data+"_tmp", data); err != nil {
		t.Fatal(err)
	}
	if before == "" {
		for name := range files {
			if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	if err := os.RemoveAll(filepath.Join(dir, before)); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWatchOff(t *testing.T) {
	t.Parallel()
	p := startWith(t, testproc.Options{App: appFastHTTP, Config: "server:\n  watch: false\n", Env: []string{"WATCH"}})
	p.Up()
	mark := p.Log.Mark()
	p.WriteFile("webchasor.yaml", "server:\n  watch: false\n  worker_connections: 7\n")
	testproc.Holds(t, testproc.Patience/20, testproc.Every, func() bool {
		_, reloads := p.Log.Find(mark, testproc.Msg("reloading"))
		return !reloads
	}, "nobody watches")
	p.Stop(0)
}
