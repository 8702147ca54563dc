package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestScenario30ControlSocketSurvivesHUP: the socket belongs to its owner
// alone, answers after every reload, and ten of them leave nothing behind.
func TestScenario30ControlSocketSurvivesHUP(t *testing.T) {
	t.Parallel()
	p, _, c := watched(t)
	private := func() {
		t.Helper()
		info, err := os.Lstat(c.Socket())
		if err != nil || info.Mode().Type() != fs.ModeSocket || info.Mode().Perm() != 0o600 {
			t.Fatalf("the socket is %v, %v; want mode 0600", info, err)
		}
	}
	private()
	descriptors := func() int {
		fds, err := testproc.Descriptors(p.PID())
		if err != nil {
			t.Fatal(err)
		}
		return len(fds)
	}
	reload := func(generation uint64) {
		t.Helper()
		mark := p.Log.Mark()
		p.Signal(syscall.SIGHUP)
		p.WaitLog(mark, testproc.Msg("reloaded"), "the reload")
		status, err := c.Status(t.Context())
		if err != nil || status.Generation != generation || status.PID != p.PID() {
			t.Fatalf("after a reload: generation %d, pid %d, %v; want generation %d", status.Generation, status.PID, err, generation)
		}
	}
	reload(2)
	settled := descriptors()
	for n := range 10 {
		reload(uint64(3 + n))
	}
	private()
	// Workers of the last generation may still be leaving.
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return descriptors() <= settled },
		"ten reloads leave no descriptor open")
	p.Stop(0)
	if _, err := os.Lstat(c.Socket()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// TestScenario30ControlSocketSwitchedOff: no file, and no complaint.
func TestScenario30ControlSocketSwitchedOff(t *testing.T) {
	t.Parallel()
	p := start(t, "CONTROL_SOCKET=off")
	p.Up()
	err := filepath.WalkDir(p.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type() == fs.ModeSocket {
			t.Errorf("there is a socket at %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	wantNoLine(t, p, 0, testproc.Level("warn"), "switching it off is no reason to warn")
	p.Stop(0)
}
