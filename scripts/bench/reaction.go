package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
	"github.com/webchasor/webchasor/scripts/measure"
)

const (
	manyWorkers = 33
	kills       = 10
)

// boot measures from the start of the master to the line that says all are ready.
func boot(h *host, w io.Writer, p parameters, b programs) {
	var took []float64
	for range p.rounds {
		mark := h.Mark()
		begin := time.Now()
		server := testproc.Start(h, testproc.Options{Binary: b.webchasor, Env: []string{"WEB_WORKERS=" + strconv.Itoa(manyWorkers)}})
		line := server.WaitLog(0, testproc.Msg(testproc.MsgUp), "every worker is ready")
		took = append(took, milliseconds(line.Seen.Sub(begin)))
		server.Stop(0)
		h.CleanupTo(mark)
	}
	fmt.Fprintf(w, "\n### Reaction\n\n| | median | worst | aim |\n|---|---|---|---|\n"+
		"| boot of %d workers until all are ready, ms | %.0f | %.0f | < 1000 |\n", manyWorkers, measure.Median(took), measure.Worst(took))
}

// memory reads what an idle worker costs (proc_pid_smaps_rollup(5)).
func memory(h *host, w io.Writer, p parameters, b programs) {
	mark := h.Mark()
	server := testproc.Start(h, testproc.Options{Binary: b.webchasor, Env: []string{"WEB_WORKERS=" + strconv.Itoa(p.workers)}})
	server.Up()
	testproc.Pause(2*time.Second, nil) // idle means that start-up has settled
	var pss, rss []float64
	for _, pid := range server.WorkerPIDs() {
		pss, rss = append(pss, measure.PSS(pid)), append(rss, measure.RSS(pid))
	}
	server.Stop(0)
	h.CleanupTo(mark)
	fmt.Fprintf(w, "| PSS of an idle worker of %d, MB | %.1f | %.1f | < 8 |\n| RSS of the same, MB | %.1f | %.1f | |\n",
		p.workers, measure.Median(pss), measure.Worst(pss), measure.Median(rss), measure.Worst(rss))
}

// replacement measures from kill -9 of a worker to its successor's ready line.
func replacement(h *host, w io.Writer, p parameters, b programs) {
	mark := h.Mark()
	server := testproc.Start(h, testproc.Options{Binary: b.webchasor, Env: []string{"WEB_WORKERS=" + strconv.Itoa(p.workers)}})
	server.Up()
	var took []float64
	for range kills {
		victim := server.WaitWorkers(p.workers)[0]
		from := server.Log.Mark()
		begin := time.Now()
		server.SignalPID(victim, syscall.SIGKILL)
		line := server.WaitLog(from, testproc.About(testproc.MsgReady), "the replacement is ready")
		took = append(took, milliseconds(line.Seen.Sub(begin)))
	}
	server.Stop(0)
	h.CleanupTo(mark)
	fmt.Fprintf(w, "| kill -9 of a worker until its replacement is ready, ms (%d times) | %.0f | %.0f | < 100 |\n",
		kills, measure.Median(took), measure.Worst(took))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// processors is the program's own rule: one each when there are at least as
// many workers as CPUs.
func processors(p parameters) string {
	if given := os.Getenv("GOMAXPROCS"); given != "" {
		return given
	}
	return strconv.Itoa(max(1, (runtime.NumCPU()+p.workers-1)/p.workers))
}
