package sys

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestListenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, bound, err := ListenUnix(path, 16)
	if err != nil {
		t.Fatal(err)
	}
	if bound != path {
		t.Errorf("bound is %q", bound)
	}
	exchange(t, adopt(t, fd), "unix", path)
	if _, _, err := ListenUnix(path, 16); !errors.Is(err, ErrSocketLive) {
		t.Errorf("second listener: %v, want ErrSocketLive", err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the live socket's path is gone: %v", err)
	}
	if err := CloseFD(fd); err != nil {
		t.Fatal(err)
	}
}

func TestListenUnixFullSocketIsLive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, _, err := ListenUnix(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, fd)
	for range 4 {
		if err := probeUnix(path); !errors.Is(err, ErrSocketLive) {
			t.Fatalf("got %v, want ErrSocketLive", err)
		}
	}
}

func TestListenUnixReplacesAStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, _, err := ListenUnix(path, 16)
	if err != nil {
		t.Fatal(err)
	}
	_ = CloseFD(fd) // the path stays, as after SIGKILL
	fd, _, err = ListenUnix(path, 16)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, fd)
	exchange(t, adopt(t, fd), "unix", path)
}

func TestListenUnixLeavesOtherFilesAlone(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, dir, link} {
		if _, _, err := ListenUnix(path, 16); !errors.Is(err, ErrNotSocket) {
			t.Errorf("%s: %v, want ErrNotSocket", path, err)
		}
	}
	if text, err := os.ReadFile(file); string(text) != "precious" {
		t.Errorf("the file now reads %q, %v", text, err)
	}
}

func TestListenUnixBadPaths(t *testing.T) {
	for _, path := range []string{"", filepath.Join(t.TempDir(), "missing", "s"), "/tmp/" + strings.Repeat("x", 104)} {
		fd, _, err := ListenUnix(path, 16)
		if err == nil {
			_ = CloseFD(fd)
			t.Errorf("%q is accepted", path)
		}
	}
}

func TestListenUnixFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, _, err := ListenUnixFor(path, 1, Access{Mode: 0o640, UID: os.Getuid(), GID: os.Getgid()})
	if err != nil {
		t.Fatal(err)
	}
	defer CloseFD(fd)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Fatal(info.Mode(), err)
	}
}
