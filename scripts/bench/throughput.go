package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
	"github.com/webchasor/webchasor/scripts/measure"
)

// round is one side's figures of one round.
type round struct {
	perSecond, cpu, switches, errors float64 // cpu in microseconds per request
}

// serve runs one round: start, warm up, measure, stop.
func serve(h *host, p parameters, binary string, env ...string) round {
	nobody := func(*testproc.Process) (stop func()) { return func() {} }
	return serveWith(h, p, binary, nobody, env...)
}

// serveWith is serve with something that goes on beside the load.
func serveWith(h *host, p parameters, binary string, beside func(*testproc.Process) (stop func()), env ...string) round {
	mark := h.Mark()
	server := testproc.Start(h, testproc.Options{
		Binary: binary, Env: append([]string{"WEB_WORKERS=" + strconv.Itoa(p.workers)}, env...),
	})
	addr := server.Up()
	stop := beside(server)
	h.wrk(p, time.Second, addr)
	before := measure.Read(server)
	result := h.wrk(p, p.duration, addr)
	cpu, switches := measure.Read(server).Since(before)
	stop()
	server.Stop(0)
	h.CleanupTo(mark)
	return round{
		perSecond: result.PerSecond, errors: result.Errors,
		cpu: float64(cpu.Microseconds()) / result.Requests, switches: switches / result.Requests,
	}
}

// alternate measures two sides in turn, changing who is first.
func alternate(p parameters, a, b func() round) (ra, rb []round) {
	for i := range p.rounds {
		if i%2 == 0 {
			ra, rb = append(ra, a()), append(rb, b())
		} else {
			rb, ra = append(rb, b()), append(ra, a())
		}
	}
	return ra, rb
}

func compare(h *host, w io.Writer, p parameters, b programs) {
	bare, ours := alternate(p,
		func() round { return serve(h, p, b.bare, "GOMAXPROCS="+processors(p)) },
		func() round { return serve(h, p, b.ours, "GOMAXPROCS="+processors(p), "MAX_REQUESTS=0") })
	fmt.Fprintf(w, "\n### Against bare fasthttp, keep-alive, %d processes, GOMAXPROCS=%s, MAX_REQUESTS=0\n\n"+
		"| median of %d rounds | bare fasthttp | webchasor | ratio | aim |\n|---|---|---|---|---|\n",
		p.workers, processors(p), p.rounds)
	perSecond := func(r round) float64 { return r.perSecond }
	cpu := func(r round) float64 { return r.cpu }
	switches := func(r round) float64 { return r.switches }
	row := func(name, format, aim string, pick func(round) float64) {
		x, y := medianOf(bare, pick), medianOf(ours, pick)
		fmt.Fprintf(w, "| %s | "+format+" | "+format+" | %.3f | %s |\n", name, x, y, y/x, aim)
	}
	row("requests/s", "%.0f", ">= 0.95", perSecond)
	row("server CPU per request, us", "%.2f", "<= 1.05", cpu)
	row("context switches per request", "%.3f", "", switches)
	fmt.Fprintf(w, "\nErrors seen by wrk: %.0f (bare), %.0f (webchasor).\n", sumErrors(bare), sumErrors(ours))
}

func recycling(h *host, w io.Writer, p parameters, b programs) {
	without, with := alternate(p,
		func() round { return serve(h, p, b.ours, "MAX_REQUESTS=0") },
		func() round { return serve(h, p, b.ours) })
	perSecond := func(r round) float64 { return r.perSecond }
	x, y := medianOf(without, perSecond), medianOf(with, perSecond)
	fmt.Fprintf(w, "\n### Recycling: all defaults against MAX_REQUESTS=0\n\n"+
		"| median of %d rounds | MAX_REQUESTS=0 | defaults | ratio | aim |\n|---|---|---|---|---|\n"+
		"| requests/s | %.0f | %.0f | %.3f | >= 0.9 |\n\nErrors seen by wrk: %.0f (without), %.0f (with recycling).\n",
		p.rounds, x, y, y/x, sumErrors(without), sumErrors(with))
}

func medianOf(rounds []round, pick func(round) float64) float64 {
	values := make([]float64, 0, len(rounds))
	for _, r := range rounds {
		values = append(values, pick(r))
	}
	return measure.Median(values)
}

func sumErrors(rounds []round) (sum float64) {
	for _, r := range rounds {
		sum += r.errors
	}
	return sum
}
