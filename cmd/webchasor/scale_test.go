package main

import (
	"slices"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

func TestScenario26ScaleBySignal(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	two := p.WaitWorkers(2)

	p.Signal(syscall.SIGTTIN)
	three := p.WaitWorkers(3)
	for _, pid := range two {
		if !slices.Contains(three, pid) {
			t.Errorf("growing replaced worker %d", pid)
		}
	}

	// The highest slot leaves: the newest worker.
	p.Signal(syscall.SIGTTOU)
	if now := p.WaitWorkers(2); !slices.Equal(now, two) {
		t.Errorf("workers %v, want %v", now, two)
	}

	p.Signal(syscall.SIGTTOU)
	one := p.WaitWorkers(1)
	mark := p.Log.Mark()
	p.Signal(syscall.SIGTTOU)
	p.WaitLog(mark, testproc.Level("warn"), "the last worker stays")
	if now := p.WaitWorkers(1); !slices.Equal(now, one) {
		t.Errorf("workers %v, want %v", now, one)
	}
	if pid := expectOK(t, testproc.Get(t, addr, "/pid")); pid != one[0] {
		t.Errorf("pid %d answered, want %d", pid, one[0])
	}
	p.Stop(0)
}

// TestParkAndWake: WINCH stops the workers and keeps the master, HUP brings them back.
func TestParkAndWake(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	old := p.WaitWorkers(2)
	p.Signal(syscall.SIGWINCH)
	p.WaitWorkers(0)
	// The port stays open: a connection waits for a worker instead of being refused.
	answer := background(addr, "/pid")
	p.Signal(syscall.SIGHUP)
	disjoint(t, old, p.WaitWorkers(2))
	expectOK(t, <-answer)
	p.Stop(0)
}
