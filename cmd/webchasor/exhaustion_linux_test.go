package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/webchasor/webchasor/internal/testproc"
)

// smallDisk mounts a file system of its own, which is soon full.
func smallDisk(t *testing.T) string {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k,mode=755"); err != nil {
		t.Skipf("mounting needs more rights: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves no byte free, and returns the file that holds them.
func fill(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return path
}

// TestExhaustedDisk: the log, the access log and the state are on a disk that runs
// full. The service serves on, replaces a dead worker, and writes again when there is
// room, with the same master.
func TestExhaustedDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	log, access := filepath.Join(disk, "log"), filepath.Join(disk, "access")
	p := start(t, "BIND=unix:s", "LOG_FILE="+log, "ACCESS_LOG="+access, "STATE_DIRECTORY="+filepath.Join(disk, "state"))
	client := testproc.Client{Network: "unix", Addr: p.Path("s"), Fresh: true}
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		return exists(log) && contains(t, log, `"msg":"ready"`)
	}, "every worker is ready")
	victim := expectOK(t, client.Get("/pid"))

	filler := fill(t, disk)
	p.SignalPID(victim, syscall.SIGKILL)
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		now := p.WorkerPIDs()
		return len(now) == 2 && now[0] != victim && now[1] != victim
	}, "the dead worker is replaced")
	// The master's own: a long line of a worker may not fit where a short one of the master does.
	complaints := func() int { return strings.Count(p.Log.String(), "log lines are lost until it can be written again") }
	// The last page of the log has room for a few lines.
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		expectOK(t, client.Get("/pid?full"))
		p.Signal(syscall.SIGHUP)
		return complaints() > 0
	}, "the full disk is told on standard error")
	for range 20 {
		expectOK(t, client.Get("/pid?full"))
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		expectOK(t, client.Get("/pid?room"))
		return contains(t, access, "/pid?room")
	}, "the access log goes on")
	p.Signal(syscall.SIGHUP)
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return contains(t, log, "log lines lost") }, "the log goes on")
	p.Stop(0)
}

// TestExhaustedReadOnly: nothing can be written, not even the state.
func TestExhaustedReadOnly(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	p := start(t, "STATE_DIRECTORY="+filepath.Join(disk, "state"))
	addr := p.Up()
	workers := p.WaitWorkers(2)
	mark := p.Log.Mark()
	p.SignalPID(workers[0], syscall.SIGKILL)
	p.WaitLog(mark, testproc.About(testproc.MsgDied), "the death is told all the same")
	p.WaitReplaced(workers[:1], 2)
	p.WaitLog(mark, testproc.Text("read-only file system"), "it is said why there is no record")
	expectOK(t, testproc.Get(t, addr, "/pid"))
	p.Stop(0)
}

// TestExhaustedProcesses: the master can make no process. The workers that live
// serve, the missing one is tried again at a falling rate, and comes when it can.
func TestExhaustedProcesses(t *testing.T) {
	t.Parallel()
	needRoot(t)
	id := 61000 + os.Getpid()%4000 // a user of this test alone: the limit counts all processes of a user
	dir := dirOf(t, id)
	p := startUpgradable(t, testproc.Options{
		Dir: dir, Env: []string{"HOME=" + dir, raceToStderr},
		Sys: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(id), Gid: uint32(id)}}, //nolint:gosec // positive
	})
	addr := p.Up()
	workers := p.WaitWorkers(2)
	var before uint64
	asUser(t, uintptr(id), func() { before = limitProcesses(t, p.PID(), 1) })
	mark := p.Log.Mark()
	p.SignalPID(workers[0], syscall.SIGKILL)
	failed := testproc.Both(testproc.Msg("cannot start worker"), testproc.Text("the limit of processes"))
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return len(p.Log.Lines(mark, failed)) >= 4 }, "four attempts")
	p.WaitLog(mark, testproc.Msg("respawn delayed"), "the attempts come at a falling rate")
	if pid := expectOK(t, testproc.Get(t, addr, "/pid")); pid != workers[1] {
		t.Errorf("%d answered", pid)
	}
	out, _, _ := ctl(t, p, "status")
	wants(t, out, "DEGRADED")
	asUser(t, uintptr(id), func() { limitProcesses(t, p.PID(), before) })
	p.WaitReplaced(workers[:1], 2)
	if n := len(p.Log.Lines(mark, failed)); n > 12 {
		t.Errorf("%d attempts", n)
	}
	p.Stop(0)
}

// limitProcesses sets a process's soft limit of processes and returns the old one.
func limitProcesses(t *testing.T, pid int, limit uint64) (before uint64) {
	t.Helper()
	const rlimitNProc = 6 // asm-generic/resource.h
	var old syscall.Rlimit
	for _, set := range []bool{false, true} {
		fresh, given := syscall.Rlimit{Cur: limit, Max: old.Max}, uintptr(0)
		if set {
			given = uintptr(unsafe.Pointer(&fresh))
		}
		_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), rlimitNProc, given, uintptr(unsafe.Pointer(&old)), 0, 0) //nolint:gosec // a pid
		if errno != 0 {
			t.Error(fmt.Errorf("cannot limit the processes of %d: %w", pid, errno))
			return 0
		}
	}
	return old.Cur
}
