package main

import (
	"fmt"
	"io"

	"github.com/webchasor/webchasor/scripts/measure"
)

// printMachine heads the report.
func printMachine(w io.Writer, p parameters) {
	fmt.Fprintf(w, "Machine: %s.\n\n", measure.Machine())
	fmt.Fprintf(w, "Command: `ROUNDS=%d DURATION=%d WORKERS=%d CONNECTIONS=%d THREADS=%d scripts/bench.sh` "+
		"(load: `wrk -t%d -c%d -d%ds`, on the same machine).\n",
		p.rounds, int(p.duration.Seconds()), p.workers, p.connections, p.threads,
		p.threads, p.connections, int(p.duration.Seconds()))
}
