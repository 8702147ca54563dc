package main

import (
	"os/exec"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
	"github.com/webchasor/webchasor/scripts/measure"
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

// wrk loads a server and returns the report.
func (h *host) wrk(p parameters, d time.Duration, addr string) measure.Wrk {
	r, err := measure.RunWrk(p.threads, p.connections, d, "http://"+addr+"/")
	if err != nil {
		h.Fatalf("%v", err)
	}
	return r
}
