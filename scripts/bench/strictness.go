package main

import (
	"fmt"
	"io"
)

// unchecked is a service whose connections have no checker (docs/http.md).
var unchecked = []string{
	"MAX_REQUESTS=0", "STRICT_HTTP=false", "LIMIT_REQUEST_LINE=0", "LIMIT_REQUEST_FIELDS=0", "LIMIT_REQUEST_FIELD_SIZE=0",
	"LIMIT_REQUEST_BODY=0", "LIMIT_REQUEST_MEMORY=0", "HEADER_TIMEOUT=0", "BODY_TIMEOUT=0",
}

// strictness measures what looking at every byte costs.
func strictness(h *host, w io.Writer, p parameters, b programs) {
	off, on := alternate(p,
		func() round { return serve(h, p, b.ours, unchecked...) },
		func() round { return serve(h, p, b.ours, "MAX_REQUESTS=0") })
	fmt.Fprintf(w, "\n### Strictness: the checker and its limits against none, keep-alive\n\n"+
		"| median of %d rounds | off | on | ratio | aim |\n|---|---|---|---|---|\n", p.rounds)
	row := func(name, format, aim string, pick func(round) float64) {
		x, y := medianOf(off, pick), medianOf(on, pick)
		fmt.Fprintf(w, "| %s | "+format+" | "+format+" | %.3f | %s |\n", name, x, y, y/x, aim)
	}
	row("requests/s", "%.0f", ">= 0.97", func(r round) float64 { return r.perSecond })
	row("server CPU per request, us", "%.2f", "<= 1.03", func(r round) float64 { return r.cpu })
	fmt.Fprintf(w, "\nErrors seen by wrk: %.0f (off), %.0f (on).\n", sumErrors(off), sumErrors(on))
}
