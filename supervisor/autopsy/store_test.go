package autopsy

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// records names the records in dir and fails the test unless each has both files.
func records(t *testing.T, dir string) []string {
	t.Helper()
	files := make(map[string]int)
	for _, name := range names(t, dir) {
		if id, ok := recordID(name); ok && !strings.HasSuffix(id, "-dir") {
			files[id]++
		}
	}
	for id, n := range files {
		if n != 2 {
			t.Errorf("%s has %d files", id, n)
		}
	}
	return slices.Sorted(maps.Keys(files))
}

func TestStoreWrites(t *testing.T) {
	s := NewStore(filepath.Join(t.TempDir(), "state"), Limits{})
	if _, err := os.Stat(s.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is there before the first death: %v", err)
	}
	r := sample(t)
	path, err := s.Write(r)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(s.Dir(), "20261122T220759.123Z-pid1234-slot2-timeout.txt"); path != want {
		t.Errorf("file %s, want %s", path, want)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != r.Text(256<<10) {
		t.Errorf("%v, content %.60q", err, b)
	}
	for p, want := range map[string]os.FileMode{path: 0o600, s.Dir(): 0o700} {
		if i, err := os.Stat(p); err != nil || i.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", p, i.Mode(), err)
		}
	}
	if n := names(t, s.Dir()); len(n) != 2 {
		t.Errorf("left behind: %v", n)
	}
}

func TestStoreKeepsTheNewest(t *testing.T) {
	s := NewStore(t.TempDir(), Limits{Files: 3})
	r := sample(t)
	start := r.Time
	for i := range 7 {
		r.Time = start.Add(time.Duration(i) * time.Second)
		if _, err := s.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	n := records(t, s.Dir())
	if len(n) != 3 || !strings.HasPrefix(n[0], "20261122T220803") || !strings.HasPrefix(n[2], "20261122T220805") {
		t.Errorf("kept %v", n)
	}
	// A clock set back must not make the new record the victim.
	r.Time = start.AddDate(-1, 0, 0)
	path, err := s.Write(r)
	if err != nil {
		t.Fatal(err)
	}
	if n := records(t, s.Dir()); len(n) != 3 || n[0]+suffix != filepath.Base(path) || !strings.HasPrefix(n[1], "20261122T220804") {
		t.Errorf("kept %v", n)
	}
}

func TestStoreBoundsBytes(t *testing.T) {
	s := NewStore(t.TempDir(), Limits{File: 8 << 10, Total: 40 << 10})
	r := sample(t)
	for range 20 {
		r.Stderr = append(r.Stderr, strings.Repeat("x", 1000))
	}
	for i := range 6 {
		r.PID = i
		if _, err := s.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	var total int64
	n := names(t, s.Dir())
	for _, name := range n {
		i, err := os.Stat(filepath.Join(s.Dir(), name))
		if err != nil {
			t.Fatal(err)
		}
		if i.Size() > 8<<10 {
			t.Errorf("%s has %d bytes", name, i.Size())
		}
		total += i.Size()
	}
	if total > 40<<10 || len(n) < 4 {
		t.Errorf("%d files, %d bytes", len(n), total)
	}
}

func TestStoreLeavesOthersAlone(t *testing.T) {
	s := NewStore(t.TempDir(), Limits{Files: 1})
	if err := os.MkdirAll(filepath.Join(s.Dir(), "19990101T000000.000Z-pid1-slot1-dir.txt"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := sample(t)
	now := time.Now()
	r.Time = now
	old, young, notes := temporary+"old", temporary+"young", "notes.txt"
	for name, age := range map[string]time.Duration{old: 2 * time.Hour, young: 0, notes: 2 * time.Hour} {
		p := filepath.Join(s.Dir(), name)
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(p, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		r.Time = r.Time.Add(time.Second)
		if _, err := s.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	got := strings.Join(names(t, s.Dir()), " ")
	if strings.Contains(got, old) || !strings.Contains(got, young) || !strings.Contains(got, notes) || !strings.Contains(got, "-dir.txt") || strings.Count(got, "timeout.txt") != 1 || strings.Count(got, "timeout.json") != 1 {
		t.Errorf("left: %s", got)
	}
}

// A state directory that is a file cannot hold records, not even for root.
func TestStoreFailsOnceThenQuietly(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(state, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := NewStore(state, Limits{})
	_, err := s.Write(sample(t))
	if err == nil || errors.Is(err, ErrStillFailing) || !strings.Contains(err.Error(), "state_dir") || !strings.Contains(err.Error(), s.Dir()) {
		t.Errorf("first: %v", err)
	}
	for range 2 {
		if _, err := s.Write(sample(t)); !errors.Is(err, ErrStillFailing) {
			t.Errorf("again: %v", err)
		}
	}
	if err := os.Remove(state); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(sample(t)); err != nil {
		t.Errorf("repaired: %v", err)
	}
	if err := os.RemoveAll(state); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(state, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(sample(t)); err == nil || errors.Is(err, ErrStillFailing) {
		t.Errorf("broken anew: %v", err)
	}
}

func TestStoreUnwritableDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere")
	}
	state := t.TempDir()
	if err := os.Chmod(state, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := NewStore(state, Limits{}).Write(sample(t)); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

func TestStoreFromManyGoroutines(t *testing.T) {
	s := NewStore(t.TempDir(), Limits{Files: 5})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			r := sample(t)
			r.PID = i
			if _, err := s.Write(r); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := records(t, s.Dir()); len(n) != 5 {
		t.Errorf("%d records", len(n))
	}
}

func TestFileNameStaysInside(t *testing.T) {
	r := sample(t)
	r.Verdict.Cause = "../../etc/x"
	if n := r.ID() + suffix; filepath.Base(n) != n || !recordName.MatchString(n) {
		t.Errorf("name %q", n)
	}
}
