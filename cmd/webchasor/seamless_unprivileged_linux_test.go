package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestUnprivilegedDrains: descriptors on their way count against the user's
// limit, and those of a process against its own, so moving many connections with little
// room is the hard case. 700 idle ones move through reloads of two workers that may
// have 1,024 descriptors each, as a user without rights.
func TestUnprivilegedDrains(t *testing.T) {
	t.Parallel()
	needRoot(t)
	const user, connections = 64923, 700 // nobody else's number: the limit is shared by all of a user's processes
	dir := t.TempDir()
	for _, open := range []string{dir, filepath.Dir(dir)} { // the program file must be in reach
		if err := errors.Join(os.Chmod(open, 0o755), os.Chown(open, user, user)); err != nil { //nolint:gosec // for that user to enter
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "webchasor")
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, data, 0o755); err != nil { //nolint:gosec // for that user to execute
		t.Fatal(err)
	}
	p := startWith(t, testproc.Options{
		App: appFastHTTP, Dir: dir, Binary: "/bin/sh",
		Args: []string{"-c", `ulimit -n 1024 && exec "$0" serve`, binary},
		Env:  []string{"WORKER_CONNECTIONS=900", "KEEPALIVE=60", "HOME=" + dir, raceToStderr},
		Sys:  &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}},
	})
	addr := p.Up()
	workers := p.WaitWorkers(2)
	for _, pid := range append(workers, p.PID()) {
		if uid := statusOf(t, pid, "Uid"); uid[:5] != strconv.Itoa(user) {
			t.Fatalf("process %d runs as %s", pid, uid)
		}
	}
	clients := holdOpen(t, addr, connections, 0)
	owners(t, clients)
	for range 2 {
		mark := p.Log.Mark()
		p.Signal(syscall.SIGHUP)
		p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
		workers = p.WaitReplaced(workers, 2)
		owners(t, clients)
		wantNoLine(t, p, mark, testproc.Level("error"), "an error")
	}
	hangUp(clients)
	p.Stop(0)
}
