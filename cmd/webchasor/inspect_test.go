package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// shows says whether a stack of a living worker is at a function.
func shows(s control.Stacks, function string) bool {
	for _, g := range s.Groups {
		for _, f := range g.Frames {
			if strings.Contains(f, function) {
				return true
			}
		}
	}
	return false
}

// TestStacksWhileHandlersSpin: a worker whose only thread burns CPU shows where.
func TestStacksWhileHandlersSpin(t *testing.T) {
	t.Parallel()
	p, addr, c := watched(t, "WEB_WORKERS=1", "WORKER_TIMEOUT=0")
	pid := p.WaitWorkers(1)[0]
	background(addr, "/spin?touch=spinning")
	for range 3 {
		background(addr, "/block")
	}
	begun(t, p, "spinning")
	var s control.Stacks
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		var err error
		if s, err = c.Stacks(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		return shows(s, "testHandler") && strings.Contains(s.Text, "3 goroutines [select (no cases)]")
	}, "the handlers are in the stacks, equal ones together")
	if s.PID != pid || s.Slot != 0 || s.Goroutines < 5 || len(s.Groups) >= s.Goroutines {
		t.Errorf("pid %d, %d goroutines in %d groups", s.PID, s.Goroutines, len(s.Groups))
	}
	if shows(s, "dumpStacks") {
		t.Error("the dump shows its own goroutine")
	}
	if _, err := c.Stacks(t.Context(), 7); errorCode(err) != "not_found" {
		t.Errorf("an empty slot: %v", err)
	}
	p.SignalPID(pid, syscall.SIGKILL) // it would not stop by itself
	p.Stop(0)
}

// errorCode is the code of a control error, "" if it is none.
func errorCode(err error) string {
	if e := (*control.Error)(nil); errors.As(err, &e) {
		return string(e.Code)
	}
	return ""
}

// TestStacksOfASetupThatHangs: a worker that never got ready can be asked too.
func TestStacksOfASetupThatHangs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startWith(t, testproc.Options{App: appFastHTTP, Dir: dir, Env: []string{
		"CONTROL_SOCKET=" + dir + "/control.sock", "WEB_WORKERS=1", setupEnv + "=hang", "BOOT_TIMEOUT=600",
	}})
	c := control.New(dir + "/control.sock")
	testproc.Eventually(t, testproc.Patience, 20*testproc.Every, func() bool {
		s, err := c.Stacks(t.Context(), 0)
		return err == nil && shows(s, "misbehave")
	}, "the setup is in the stacks")
	p.Signal(syscall.SIGQUIT)
	p.WaitExit(testproc.Patience)
}

// TestProfiles takes every kind from a living worker.
func TestProfiles(t *testing.T) {
	t.Parallel()
	p, addr, c := watched(t, "WEB_WORKERS=1", "WORKER_TIMEOUT=0")
	pid := p.WaitWorkers(1)[0]
	background(addr, "/spin?touch=spinning")
	begun(t, p, "spinning")
	for kind, want := range map[string]string{"cpu": "testHandler", "goroutine": "testHandler", "heap": "inuse_space"} {
		// A second of a busy machine may have no sample of the one that spins.
		testproc.Eventually(t, 2*testproc.Patience, testproc.Every, func() bool {
			var raw bytes.Buffer
			if err := c.Profile(t.Context(), 0, kind, 1, &raw); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			z, err := gzip.NewReader(&raw)
			if err != nil {
				t.Fatalf("%s is no pprof file: %v", kind, err)
			}
			text, err := io.ReadAll(z)
			return err == nil && bytes.Contains(text, []byte(want))
		}, kind+" names "+want)
	}
	var raw bytes.Buffer
	if err := c.Profile(t.Context(), 0, "trace", 1, &raw); err != nil || !bytes.HasPrefix(raw.Bytes(), []byte("go 1.")) {
		t.Errorf("trace: %d bytes, %v", raw.Len(), err)
	}
	p.SignalPID(pid, syscall.SIGKILL)
	p.Stop(0)
}

// TestOneInspectionAtATime, and none that goes on for somebody who has left.
func TestOneInspectionAtATime(t *testing.T) {
	t.Parallel()
	p, _, c := watched(t, "WEB_WORKERS=1")
	p.WaitWorkers(1)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	left := make(chan error, 1)
	go func() {
		for { // one of the probes below may be faster, and refuse this one
			if err := c.Profile(ctx, 0, "cpu", 300, io.Discard); errorCode(err) != "failed" {
				left <- err
				return
			}
		}
	}()
	var err error
	testproc.Eventually(t, testproc.Patience, 10*testproc.Every, func() bool {
		err = c.Profile(t.Context(), 0, "goroutine", 1, io.Discard)
		return err != nil && strings.Contains(err.Error(), "(cpu)")
	}, "the second inspection is refused")
	if errorCode(err) != "failed" || !strings.Contains(err.Error(), "another inspection (cpu)") {
		t.Errorf("the refusal says %v", err)
	}
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	testproc.Eventually(t, testproc.Patience, 10*testproc.Every, func() bool {
		return c.Profile(t.Context(), 0, "goroutine", 1, io.Discard) == nil
	}, "the worker is free again long before the five minutes are over")
	p.Stop(0)
}

// TestStacksOfAStoppedWorker: it cannot answer, and what is known is said.
func TestStacksOfAStoppedWorker(t *testing.T) {
	t.Parallel()
	p, addr, c := watched(t, "WEB_WORKERS=1", "WORKER_TIMEOUT=0")
	pid := p.WaitWorkers(1)[0]
	background(addr, "/block?touch=blocked")
	begun(t, p, "blocked")
	p.Freeze(pid)
	_, err := c.Stacks(t.Context(), 0)
	if errorCode(err) != "silent" || !strings.Contains(err.Error(), "does not answer") || !strings.Contains(err.Error(), "SIGSTOP") || !strings.Contains(err.Error(), "GET /block") {
		t.Errorf("got %v, want what is known", err)
	}
	p.SignalPID(pid, syscall.SIGCONT)
	testproc.Eventually(t, testproc.Patience, 10*testproc.Every, func() bool {
		s, err := c.Stacks(t.Context(), 0)
		return err == nil && shows(s, "testHandler")
	}, "it answers again")
	p.SignalPID(pid, syscall.SIGKILL)
	p.Stop(0)
}
