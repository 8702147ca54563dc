package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// appPIDOne is the first step of a container: it makes /proc show the new pid
// namespace, then becomes the program.
const appPIDOne = "pid1"

func becomePIDOne() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot make mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("cannot mount proc: %w", err)
	}
	if err := os.Setenv(testproc.AppEnv, appFastHTTP); err != nil {
		return err
	}
	return syscall.Exec(os.Args[0], os.Args, os.Environ())
}

// startPIDOne starts the program as PID 1 of a namespace of its own.
func startPIDOne(t *testing.T, o testproc.Options) *testproc.Process {
	t.Helper()
	namespaces := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	probe := exec.Command("/proc/self/exe", "-test.run=^$")
	probe.SysProcAttr = namespaces
	if err := probe.Run(); errors.Is(err, syscall.EPERM) {
		t.Skip("no permission to make a pid namespace")
	}
	o.App, o.Sys = appPIDOne, namespaces
	return startWith(t, o)
}

// TestScenario39PIDOnePassesSocketsOn: what a container engine opened for PID 1, as podman
// does, reaches the master; a second TERM ends a stop that would take its time.
func TestScenario39PIDOnePassesSocketsOn(t *testing.T) {
	t.Parallel()
	listener, file := opened(t)
	p := startPIDOne(t, testproc.Options{
		Files: []*os.File{file},
		Env:   []string{"LISTEN_PID=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=web", "BIND", "LAME_DUCK=120s"},
	})
	if got := p.Up(); got != listener.Addr().String() {
		t.Fatalf("it listens on %s, not on what PID 1 was passed", got)
	}
	mark := p.Log.Mark()
	p.Signal(syscall.SIGUSR2)
	p.WaitLog(mark, testproc.Msg(msgUpgraded), "an upgrade with a passed socket succeeds")
	expectOK(t, testproc.Get(t, listener.Addr().String(), "/pid"))

	begin := time.Now()
	mark = p.Log.Mark()
	p.Signal(syscall.SIGTERM)
	p.WaitLog(mark, testproc.Msg("signal received"), "the first TERM has come")
	expectOK(t, testproc.Get(t, listener.Addr().String(), "/pid"))
	p.Signal(syscall.SIGTERM)
	p.ExpectExit(0)
	within(t, begin, time.Minute, "the second TERM")
}

// TestPIDOneRefusesWhatWasNotPassed: a promise that was not kept is said, not served without.
func TestPIDOneRefusesWhatWasNotPassed(t *testing.T) {
	t.Parallel()
	p := startPIDOne(t, testproc.Options{Env: []string{"LISTEN_PID=1", "LISTEN_FDS=1"}})
	p.ExpectExit(1)
	p.WaitLog(0, testproc.Text("descriptor 3", "LISTEN_FDS=1"), "the reason")
}

// TestScenario39PIDOneReapsOrphans runs the program as PID 1 of a namespace of
// its own, where children that lose their parent become its.
func TestScenario39PIDOneReapsOrphans(t *testing.T) {
	t.Parallel()
	p := startPIDOne(t, testproc.Options{})
	addr := p.Up()
	testproc.Get(t, addr, "/orphan?code=3")
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		return exists(p.Path("orphan-done")) && !hasZombie(p)
	}, "the orphan has exited and is reaped")
	testproc.Get(t, addr, "/orphans?n=1000")
	if !exists(p.Path("orphans-done")) {
		t.Fatal("not all orphans were made")
	}
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return !hasZombie(p) }, "a thousand orphans are reaped")
	testproc.Get(t, addr, "/pid")

	mark := p.Log.Mark()
	p.Signal(syscall.SIGUSR2)
	p.WaitLog(mark, testproc.Msg(msgUpgraded), "an upgrade inside a container succeeds")
	testproc.Get(t, addr, "/pid")
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return !hasZombie(p) }, "no zombie is left")

	// The container ends with its master, so that one waits for the stream of a
	// worker that its predecessor left.
	client := testproc.Client{Addr: addr}
	defer client.Close()
	const n = 30
	events := client.Stream(t, "GET", "/stream?every=100&n="+strconv.Itoa(n), "")
	if got, _, err := events.Count(1); got != 1 || err != nil {
		t.Fatalf("the stream does not begin: %d events, %v", got, err)
	}
	mark = p.Log.Mark()
	p.Signal(syscall.SIGUSR2)
	p.WaitLog(mark, testproc.Msg(msgUpgraded), "a second upgrade succeeds")
	p.Signal(syscall.SIGTERM)
	if got, last, err := events.Count(-1); got != n || last != "[DONE]" || err != nil {
		t.Errorf("%d of %d events, then %q and %v", got, n, last, err)
	}
	p.ExpectExit(0)
}

func hasZombie(p *testproc.Process) bool {
	for _, proc := range p.Session() {
		if proc.State == 'Z' {
			return true
		}
	}
	return false
}
