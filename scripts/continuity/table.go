package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// row is the result of one scenario.
type row struct {
	name, network string
	did           string // what was done to the service
	requests      int    // -1: the scenario is not about requests
	failed        string
	reconnects    int
	figures       []string
	problems      []string
	missed        []string // aims, which are no promises
}

// take writes the counts of a load into the row.
func (r *row) take(m testproc.MixReport) {
	r.requests, r.reconnects, r.failed = m.Requests, m.Reconnects, m.Failures()
	if m.Streams > 0 {
		r.figure("%d streams whole, %d reconnects between two streams", m.Streams, m.StreamReconnects)
	}
}

func (r *row) figure(format string, args ...any) {
	r.figures = append(r.figures, fmt.Sprintf(format, args...))
}

// broken notes a promise that was not kept.
func (r *row) broken(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (r row) cells() []string {
	failed := r.failed
	if failed == "" {
		failed = "0"
	}
	verdict := "ok"
	if len(r.missed) > 0 {
		verdict += ", aim missed: " + strings.Join(r.missed, "; ")
	}
	if len(r.problems) > 0 {
		verdict = "**broken**: " + strings.Join(r.problems, "; ")
	}
	return []string{
		r.name, r.network, r.did, fmt.Sprint(r.requests), failed, fmt.Sprint(r.reconnects), strings.Join(r.figures, "; "), verdict,
	}
}

// String is the row on one line.
func (r row) String() string { return strings.Join(r.cells(), " | ") }

func printTable(w io.Writer, s settings, rows []row) {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	fmt.Fprintf(w, "%s, %d CPUs, Linux %s, %s", time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), strings.TrimSpace(string(kernel)), runtime.Version())
	if s.accept != "" {
		fmt.Fprintf(w, ", accept: %s", s.accept)
	}
	if s.quick {
		fmt.Fprint(w, ", QUICK: small numbers, no proof")
	}
	fmt.Fprint(w, "\n\n")
	head := []string{"scenario", "over", "done", "requests", "failed", "reconnects", "figures", "promise"}
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	for _, r := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(r.cells(), " | "))
	}
}
