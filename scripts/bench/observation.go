package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// unwatched is a service that nobody can see: what all that observes it is compared with.
var unwatched = []string{"MAX_REQUESTS=0", "CONTROL_SOCKET=off", "ACCESS_LOG=", "POISON_DEATHS=0"}

// watched is everything on.
var watched = []string{"MAX_REQUESTS=0", "CONTROL_SOCKET=auto", "ADMIN_BIND=127.0.0.1:0", "POISON_DEATHS=3", "POISON_QUARANTINE=10m"}

// observation measures what being looked at costs.
func observation(h *host, w io.Writer, p parameters, b programs) {
	perSecond := func(r round) float64 { return r.perSecond }
	cpu := func(r round) float64 { return r.cpu }
	fmt.Fprintf(w, "\n### Observability: everything on against everything off\n\n"+
		"| median of %d rounds | off | on | ratio | aim |\n|---|---|---|---|---|\n", p.rounds)
	row := func(name, format, aim string, off, on []round, pick func(round) float64) {
		x, y := medianOf(off, pick), medianOf(on, pick)
		fmt.Fprintf(w, "| %s | "+format+" | "+format+" | %.3f | %s |\n", name, x, y, y/x, aim)
	}
	const log = "ACCESS_LOG=access.log" // in the directory of the round, and gone with it
	dark := func() round { return serve(h, p, b.ours, unwatched...) }

	off, on := alternate(p, dark, func() round { return serveWith(h, p, b.ours, watch(h), append([]string{log}, watched...)...) })
	row("everything, requests/s", "%.0f", ">= 0.97", off, on, perSecond)
	row("everything, server CPU per request, us", "%.2f", "", off, on, cpu)
	failed := sumErrors(off) + sumErrors(on)

	off, on = alternate(p, dark, func() round { return serve(h, p, b.ours, append(slices.Clip(unwatched), log)...) })
	row("access log to a file alone, requests/s", "%.0f", "", off, on, perSecond)
	row("access log to a file alone, server CPU per request, us", "%.2f", "", off, on, cpu)
	fmt.Fprintf(w, "\nErrors seen by wrk: %.0f.\n", failed+sumErrors(off)+sumErrors(on))
}

// watch looks at a service as a busy day does, only more often: a scrape, a status
// and an update of an open dashboard every second.
func watch(h *host) func(server *testproc.Process) (stop func()) {
	return func(server *testproc.Process) func() {
		admin := "http://" + server.WaitLog(0, testproc.Msg("admin address"), "the admin address").Str("address")
		status := control.New(server.Path("state", "control.sock"))
		ctx, leave := context.WithCancel(context.Background())
		var looking sync.WaitGroup
		looking.Go(func() { _ = fetch(ctx, admin+"/api/stream") }) // ends with ctx
		looking.Go(func() {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for looks := 0; ; looks++ {
				if err := fetch(ctx, admin+"/metrics"); err != nil && ctx.Err() == nil {
					h.Errorf("cannot scrape: %v", err)
				}
				if _, err := status.Status(ctx); err != nil && ctx.Err() == nil {
					h.Errorf("cannot look at the status: %v", err)
				}
				select {
				case <-tick.C:
				case <-ctx.Done():
					if looks == 0 {
						h.Errorf("nobody has looked at the service")
					}
					return
				}
			}
		})
		return func() {
			leave()
			looking.Wait()
		}
	}
}

// fetch reads an answer to its end.
func fetch(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
