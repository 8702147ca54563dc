package main

import (
	"os/exec"

	"github.com/webchasor/webchasor/internal/testproc"
)

// host lets the benchmarks start, watch and clean up processes exactly as the
// tests do, and run programs to their end.
type host struct{ *testproc.Host }

func newHost() *host { return &host{testproc.NewHost("bench")} }

// command runs a program to its end and returns what it printed.
func (h *host) command(name string, args ...string) string {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		h.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
