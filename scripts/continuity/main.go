// Command continuity proves that clients do not notice what the service does
// to its workers, and what it costs them when a worker dies or hangs. It
// prints one table. Run it by scripts/bench-continuity.sh [SCENARIO...]; docs/continuity.md says
// what each scenario does.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/webchasor/webchasor/internal/testproc"
	"github.com/webchasor/webchasor/scripts/continuity/holder"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == holder.Command {
		if err := holder.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "continuity: %v\n", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(run(os.Args[1:]))
}

// scenario is one proof.
type scenario struct {
	name  string
	unix  bool // is there a point in running it over a unix socket too
	prove func(*proof)
}

func scenarios() []scenario {
	return []scenario{
		{"hup", true, hup},
		{"recycle", true, recycle},
		{"upgrade", true, upgrades},
		{"scale", true, scale},
		{"stream", true, longStream},
		{"kill", false, kill},
		{"kill-queued", false, killQueued},
		{"stop", false, stop},
		{"spread", false, spread},
		{"streams", false, streams},
		{"burst", false, burst},
		{"rate", false, rate},
		{"hold", false, hold},
		{"recycle-p99", false, recycleLatency},
		{"soak", false, soak},
	}
}

func run(names []string) int {
	all := scenarios()
	for _, name := range names {
		if !slices.ContainsFunc(all, func(s scenario) bool { return s.name == name }) {
			fmt.Fprintf(os.Stderr, "continuity: no scenario named %s; there are:", name)
			for _, s := range all {
				fmt.Fprintf(os.Stderr, " %s", s.name)
			}
			fmt.Fprintln(os.Stderr)
			return 1
		}
	}
	h := testproc.NewHost("continuity")
	defer h.Close()
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	failed := make(chan bool, 1)
	go func() {
		failed <- measure(h, settingsFrom(os.Getenv), names)
	}()
	select {
	case bad := <-failed:
		if !bad {
			return 0
		}
	case <-interrupt:
	}
	return 1
}

// measure runs the scenarios, prints the table and reports whether a promise was broken.
func measure(h *testproc.Host, s settings, names []string) (failed bool) {
	var rows []row
	if !h.Do(func() {
		target := build(h)
		for _, sc := range scenarios() {
			if len(names) > 0 && !slices.Contains(names, sc.name) {
				continue
			}
			for _, network := range s.networks {
				if network == "unix" && !sc.unix {
					continue
				}
				p := &proof{Host: h, settings: s, target: target, network: network, row: row{name: sc.name, network: network}}
				h.Forgive()
				h.Logf("%s over %s", sc.name, network)
				whole := h.Do(func() {
					sc.prove(p)
					if len(p.problems) > 0 {
						p.Errorf("%s", strings.Join(p.problems, "; ")) // so that the log is kept
					}
				})
				if !whole || h.Failed() && len(p.problems) == 0 {
					p.broken("did not run to its end, see above")
				}
				h.Logf("%s", p.row)
				rows = append(rows, p.row)
			}
		}
	}) {
		return true
	}
	printTable(os.Stdout, s, rows)
	return slices.ContainsFunc(rows, func(r row) bool { return len(r.problems) > 0 })
}

// build builds what is served and returns its path.
func build(h *testproc.Host) string {
	target := filepath.Join(h.TempDir(), "webchasor")
	cmd := exec.Command("go", "build", "-trimpath", "-o", target, "./scripts/continuity/target")
	if out, err := cmd.CombinedOutput(); err != nil {
		h.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return target
}
