package main

import (
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/webchasor/webchasor/scripts/measure"
)

// report prints everything as markdown.
func (b *bench) report(w io.Writer) {
	fmt.Fprintf(w, "%s. Machine: %s.\n\nCommand: `%s` (load: `wrk -t%d -c%d -d%ds` and the strict client, on the same machine).\n",
		time.Now().UTC().Format("2006-01-02"), measure.Machine(), b.options, b.threads, b.connections, int(b.duration.Seconds()))
	for _, name := range b.missing {
		fmt.Fprintf(w, "\n**Left out:** %s.\n", name)
	}
	for _, what := range b.trouble {
		fmt.Fprintf(w, "\n**Failed:** %s; see the standard error of the run.\n", what)
	}
	if b.quick {
		fmt.Fprint(w, "\n**QUICK:** a look, no proof.\n")
	}
	b.table(w, "Who", []string{"peer", "workers", "version", "how"}, func(p peer, _ *result) []string {
		return []string{fmt.Sprint(p.workers), p.versionText(), p.note}
	})
	if b.measuring("throughput") {
		best := b.results["webchasor"]
		b.table(w, fmt.Sprintf("Throughput, %d keep-alive connections", b.connections), []string{
			"peer", "requests/s", "of webchasor's", "server CPU per request, us", "context switches per request", "errors",
		}, func(_ peer, r *result) []string { return throughputCells(r.rounds, best) })
	}
	if b.measuring("reload") || b.measuring("kill") || b.measuring("stop") {
		b.table(w, "What clients notice", []string{
			"peer", "reloads: failed requests", "reconnects", "processes that answered",
			"kill -9: failed requests", "reconnects", "a stopped worker delays: fresh connections", "others' kept ones", "longest",
		}, func(p peer, r *result) []string {
			if p.speedOnly {
				return nil
			}
			return slices.Concat(r.reload.cells(), r.kill.cells()[:2], r.stop.cells())
		})
	}
	if b.measuring("boot") {
		b.table(w, "Boot and memory", []string{"peer", "first answer, ms", "answers from all workers, ms", "PSS of all, MB", "PSS of a worker, MB"},
			func(_ peer, r *result) []string { return bootCells(r.boots) })
	}
}

// table prints a row for every peer that has cells.
func (b *bench) table(w io.Writer, title string, head []string, cells func(peer, *result) []string) {
	fmt.Fprintf(w, "\n### %s\n\n| %s |\n|%s\n", title, strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	for _, p := range b.peers {
		if row := cells(p, b.results[p.name]); row != nil {
			fmt.Fprintf(w, "| %s | %s |\n", p.name, strings.Join(row, " | "))
		}
	}
}

// versionText is the first line that the peer's program says of itself.
func (p peer) versionText() string {
	if p.version == nil {
		return "this tree"
	}
	out, _ := exec.Command(p.version[0], p.version[1:]...).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return "unknown"
}

func throughputCells(rounds []round, ours *result) []string {
	if len(rounds) == 0 {
		return nil
	}
	perSecond := func(r round) float64 { return r.perSecond }
	ratio := "-"
	if ours != nil && len(ours.rounds) > 0 {
		ratio = fmt.Sprintf("%.3f", median(rounds, perSecond)/median(ours.rounds, perSecond))
	}
	return []string{
		spread(rounds, "%.0f", perSecond), ratio,
		spread(rounds, "%.1f", func(r round) float64 { return r.cpu }),
		spread(rounds, "%.3f", func(r round) float64 { return r.switches }),
		fmt.Sprintf("%.0f", total(rounds, func(r round) float64 { return r.errors })),
	}
}

// cells are the failures, the reconnects and the processes.
func (l *loss) cells() []string {
	if l == nil {
		return []string{"-", "-", "-"}
	}
	failed := fmt.Sprintf("%d of %d", l.report.Failed(), l.report.Requests)
	if l.report.Failed() > 0 {
		failed += " (" + l.report.Failures() + ")"
	}
	return []string{failed, fmt.Sprint(l.report.Reconnects), fmt.Sprint(len(l.report.PIDs))}
}

func (s *stall) cells() []string {
	if s == nil {
		return []string{"-", "-", "-"}
	}
	return []string{s.fresh.String(), s.kept.String(), max(s.fresh.longest, s.kept.longest).Round(time.Millisecond).String()}
}

// String is "delayed of all".
func (t tally) String() string {
	text := fmt.Sprintf("%d of %d", t.delayed, t.requests)
	if t.failed > 0 {
		text += fmt.Sprintf(" (%d failed)", t.failed)
	}
	return text
}

func bootCells(boots []bootTime) []string {
	if len(boots) == 0 {
		return nil
	}
	all := "not within " + allWithin.String()
	if !slices.ContainsFunc(boots, func(t bootTime) bool { return t.all == 0 }) {
		all = spread(boots, "%.0f", func(t bootTime) float64 { return milliseconds(t.all) })
	}
	return []string{
		spread(boots, "%.0f", func(t bootTime) float64 { return milliseconds(t.first) }), all,
		spread(boots, "%.1f", func(t bootTime) float64 { return t.pss }),
		spread(boots, "%.1f", func(t bootTime) float64 { return t.worker }),
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
