// Command bench measures what the program costs and how fast it reacts, and
// prints a markdown block for docs/benchmarks.md. Run it by scripts/bench.sh.
//
// It needs wrk, and a machine that does nothing else meanwhile. Both sides of
// every comparison run in alternating rounds, and medians are reported, so that
// a slow drift of the machine cancels out.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	os.Exit(run())
}

// run measures in a goroutine of its own, so that a helper that cannot go on
// can end it as testing.T's FailNow does, and so that Ctrl-C leaves no server behind.
func run() int {
	h := newHost()
	defer h.Close()
	p, err := parametersFrom(os.Getenv)
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 1
	}
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		benchmarks(h, p)
	}()
	select {
	case <-done:
	case <-interrupt:
		return 1
	}
	if h.Failed() {
		return 1
	}
	return 0
}

func benchmarks(h *host, p parameters) {
	b := build(h, h.TempDir())
	printMachine(os.Stdout, p)
	found := false
	for _, part := range []struct {
		name    string
		measure func(*host, io.Writer, parameters, programs)
	}{
		{"compare", compare},
		{"recycling", recycling},
		{"observation", observation},
		{"strictness", strictness},
		{"boot", boot},
		{"memory", memory},
		{"replacement", replacement},
	} {
		if p.only == "" || p.only == part.name {
			found = true
			part.measure(h, os.Stdout, p, b)
		}
	}
	if !found {
		h.Errorf("cannot measure ONLY=%s: there is no such part", p.only)
	}
}

// programs are the paths of what is measured.
type programs struct{ ours, bare, webchasor string }

func build(h *host, dir string) programs {
	b := programs{
		ours: filepath.Join(dir, "ours"), bare: filepath.Join(dir, "bare"), webchasor: filepath.Join(dir, "webchasor"),
	}
	for path, source := range map[string]string{
		b.ours: "./scripts/bench/ours", b.bare: "./scripts/bench/bare", b.webchasor: "./cmd/webchasor",
	} {
		h.command("go", "build", "-trimpath", "-o", path, source)
	}
	return b
}
