package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// nobody is the user and the group that the tests drop to.
const nobody = 65534

// raceToStderr, because nobody may not write where testproc collects race reports;
// a race still shows in the exit code.
const raceToStderr = "GORACE=atexit_sleep_ms=0"

// startUnprivileged starts the program so that permissions count: as root it
// would read and write everything, so it is nobody then. configure makes its files
// in the directory it gets. own gives it what the test makes there later.
func startUnprivileged(t *testing.T, o testproc.Options, configure func(dir string)) (p *testproc.Process, own func(path string)) {
	t.Helper()
	if os.Getuid() != 0 {
		o.App, o.Dir = appFastHTTP, t.TempDir()
		configure(o.Dir)
		return startWith(t, o), func(string) {}
	}
	own = func(path string) {
		if err := os.Lchown(path, nobody, nobody); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	o.Dir = dirOf(t, nobody)
	configure(o.Dir)
	files, err := os.ReadDir(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		own(filepath.Join(o.Dir, f.Name()))
	}
	o.Env = append(o.Env, "HOME="+o.Dir, raceToStderr)
	o.Sys = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return startUpgradable(t, o), own // which puts the program in its reach
}

// dirOf is a directory of another user, who can reach what is in it.
func dirOf(t *testing.T, id int) string {
	t.Helper()
	dir := t.TempDir()
	for _, open := range []string{dir, filepath.Dir(dir)} {
		if err := errors.Join(os.Chmod(open, 0o755), os.Chown(open, id, id)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
