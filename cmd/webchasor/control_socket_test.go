package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

func TestControlSocketIsForItsOwner(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.Up()
	info, err := os.Stat(socketOf(p))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, want 0600", info.Mode())
	}
	p.Stop(0)
}

func TestControlSocketLeftByAKilledMaster(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.Up()
	p.Signal(syscall.SIGKILL)
	p.WaitExit(testproc.Patience)
	next := startWith(t, testproc.Options{App: appFastHTTP, Env: []string{"STATE_DIRECTORY=" + p.Path("state")}})
	next.Up()
	if s := mustJSON[control.Status](t, p, "status"); s.PID != next.PID() {
		t.Errorf("pid %d answers, want %d", s.PID, next.PID())
	}
	next.Stop(0)
}

func TestControlSocketOfAnotherInstance(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.Up()
	same := "STATE_DIRECTORY=" + p.Path("state")

	// An automatic place is left to its owner.
	second := startWith(t, testproc.Options{App: appFastHTTP, Env: []string{same}})
	second.Up()
	refuses(t, p, "several instances", "status")
	found, err := filepath.Glob(p.Path("state", "control-*.sock"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the second instance's sockets are %v (%v)", found, err)
	}
	if s := mustJSON[control.Status](t, p, "status", "--socket", found[0]); s.PID != second.PID() {
		t.Errorf("pid %d answers at %s, want %d", s.PID, found[0], second.PID())
	}
	second.Stop(0)
	if s := mustJSON[control.Status](t, p, "status"); s.PID != p.PID() {
		t.Errorf("pid %d answers, want %d", s.PID, p.PID())
	}

	// One that was named is a mistake.
	third := startWith(t, testproc.Options{App: appFastHTTP, Env: []string{"CONTROL_SOCKET=" + socketOf(p)}})
	third.ExpectExit(1)
	wantLine(t, third, 0, testproc.Msg("cannot start"), "why it does not start")
	if !exists(socketOf(p)) {
		t.Error("it has removed the other one's socket")
	}
	p.Stop(0)
}

const noControl = "no control socket: webchasor status and the like do not work for this instance"

// oneQuietLine: a service without a control socket says so once, at INFO, and serves.
func oneQuietLine(t *testing.T, p *testproc.Process) {
	t.Helper()
	addr := p.Up()
	expectOK(t, <-background(addr, "/pid"))
	p.Stop(0)
	lines := p.Log.Lines(0, testproc.Msg(noControl))
	if len(lines) != 1 || lines[0].Str("level") != "info" {
		t.Errorf("it says so in %d lines: %v", len(lines), lines)
	}
	for _, l := range p.Log.Lines(0, testproc.Text("control")) {
		if level := l.Str("level"); level == "warn" || level == "error" {
			t.Errorf("it complains: %s", l.Text)
		}
	}
}

func TestControlSocketWhereNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	oneQuietLine(t, start(t, "STATE_DIRECTORY=/proc/webchasor"))
}

func TestControlSocketOff(t *testing.T) {
	t.Parallel()
	p := start(t, "CONTROL_SOCKET=off")
	p.Up()
	if exists(socketOf(p)) {
		t.Error("there is a socket although it is off")
	}
	wantNoLine(t, p, 0, testproc.Msg("control socket"), "it is served although it is off")
	p.Stop(0)
}
