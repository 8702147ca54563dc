package pidfile

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const self, parent, stranger = 4242, 4241, 77

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// onlyFile fails if a temporary file stayed behind.
func onlyFile(t *testing.T, dir string) {
	t.Helper()
	if e, err := os.ReadDir(dir); err != nil || len(e) > 1 {
		t.Errorf("left in the directory: %v, %v", e, err)
	}
}

func TestAcquire(t *testing.T) {
	for _, tt := range []struct {
		name      string
		before    string // content, "-" for no file
		living    []int
		replacing []int
		inUse     int // pid in the refusal
	}{
		{"no file", "-", nil, nil, 0},
		{"empty", "", nil, nil, 0},
		{"blank", " \n", nil, nil, 0},
		{"garbage", "hello\n", []int{stranger}, nil, 0},
		{"binary", "\x00\xff", nil, nil, 0},
		{"long", strings.Repeat("7", 1000), []int{stranger}, nil, 0},
		{"zero", "0\n", []int{0}, nil, 0},
		{"negative", "-77\n", []int{-77, stranger}, nil, 0},
		{"dead", "77\n", nil, nil, 0},
		{"alive", "77\n", []int{stranger}, nil, stranger},
		{"alive, no newline", "77", []int{stranger}, nil, stranger},
		{"ours", "4242\n", []int{self}, nil, 0},
		{"the parent's, no upgrade", "4241\n", []int{parent}, nil, parent},
		{"the parent's, upgrade", "4241\n", []int{parent}, []int{parent}, 0},
		{"a stranger's, upgrade", "77\n", []int{parent, stranger}, []int{parent}, stranger},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "master.pid")
			if tt.before != "-" {
				put(t, path, tt.before)
			}
			living := func(pid int) bool {
				return slices.Contains(tt.living, pid)
			}
			f, err := acquire(path, self, tt.replacing, living)
			onlyFile(t, dir)
			if tt.inUse != 0 {
				var used *InUseError
				if !errors.As(err, &used) || used.PID != tt.inUse || !strings.Contains(err.Error(), strconv.Itoa(tt.inUse)) || !strings.Contains(err.Error(), path) {
					t.Errorf("refusal: %v", err)
				}
				if got := content(t, path); got != tt.before {
					t.Errorf("the other's file was changed to %q", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := content(t, path); got != "4242\n" {
				t.Errorf("content %q", got)
			}
			if i, err := os.Stat(path); err != nil || i.Mode() != 0o644 {
				t.Errorf("mode %v, %v", i.Mode(), err)
			}
			if err := f.Remove(); err != nil {
				t.Error(err)
			}
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("still there: %v", err)
			}
		})
	}
}

func TestRemoveOnlyOurs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.pid")
	f, err := Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"77\n", "garbage", ""} {
		put(t, path, other)
		if err := f.Remove(); err != nil {
			t.Errorf("%q: %v", other, err)
		}
		if got := content(t, path); got != other {
			t.Errorf("%q became %q", other, got)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(); err != nil {
		t.Errorf("a file that is gone: %v", err)
	}
}

func TestRelativePathSurvivesChdir(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	f, err := Acquire("master.pid")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := f.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "master.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

// A writer must never be caught with half a file: the name changes its inode
// instead of its content, and a link is not followed.
func TestReplacedByRename(t *testing.T) {
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "master.pid")
	put(t, victim, "precious")
	if err := os.Symlink(victim, path); err != nil {
		t.Fatal(err)
	}
	if _, err := acquire(path, self, nil, alive); err != nil {
		t.Fatal(err)
	}
	if got := content(t, victim); got != "precious" {
		t.Errorf("the link was followed: %q", got)
	}
	before, _ := os.Stat(path)
	if _, err := acquire(path, self, nil, alive); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(path); os.SameFile(before, after) {
		t.Error("written in place")
	}
}

func TestClearErrors(t *testing.T) {
	dir := t.TempDir()
	file, fifo := filepath.Join(dir, "file"), filepath.Join(dir, "fifo")
	put(t, file, "x")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		filepath.Join(dir, "missing", "master.pid"), // no directory
		filepath.Join(file, "master.pid"),           // a file is no directory
		dir,                                         // a directory is no file
		fifo,
	} {
		_, err := Acquire(path)
		if err == nil || !strings.Contains(err.Error(), "pidfile "+path) {
			t.Errorf("%s: %v", path, err)
		}
		if err != nil && strings.Count(err.Error(), ".pid-") > 0 {
			t.Errorf("the message shows a temporary name: %v", err)
		}
	}
	if _, err := Acquire(filepath.Join(dir, "missing", "x.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestUnwritableDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(filepath.Join(dir, "x.pid")); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
}

func TestAliveAsksTheKernel(t *testing.T) {
	for err, want := range map[error]bool{nil: true, syscall.EPERM: true, syscall.ESRCH: false} {
		if exists(err) != want {
			t.Errorf("kill says %v: alive %t", err, !want)
		}
	}
	if !alive(os.Getpid()) || !alive(1) {
		t.Error("we and init are alive, whoever owns them")
	}
	// A child that ended and was waited for is as dead as can be.
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if alive(cmd.Process.Pid) {
		t.Error("a reaped child is alive")
	}
}

func TestAcquireRefusesAProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.pid")
	put(t, path, strconv.Itoa(os.Getppid()))
	if _, err := Acquire(path); err == nil {
		t.Error("our living parent was replaced")
	}
	if _, err := Acquire(path, os.Getppid()); err != nil {
		t.Errorf("take-over from the parent: %v", err)
	}
}
