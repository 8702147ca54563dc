package adminhttp

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/supervisor/console"
)

// patience is how long a probe waits for the master. Kubernetes gives up after
// a second, if nobody told it otherwise.
const patience = 900 * time.Millisecond

type probes struct{ master console.Master }

// live says whether the master works. A restart helps against nothing else, so
// hanging workers, which the master replaces itself, do not matter here.
func (p probes) live(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if _, err := p.master.Health(ctx); err != nil {
		answer(w, http.StatusServiceUnavailable, "the master does not answer: "+err.Error())
		return
	}
	answer(w, http.StatusOK, "ok")
}

// ready says whether requests should come here.
func (p probes) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	s, err := p.master.Status(ctx)
	switch {
	case err != nil:
		answer(w, http.StatusServiceUnavailable, "the master does not answer: "+err.Error())
	case s.Phase == control.PhaseStopping:
		answer(w, http.StatusServiceUnavailable, "the service is stopping")
	case s.Health.State == control.HealthDown:
		answer(w, http.StatusServiceUnavailable, append([]string{"down"}, s.Health.Reasons...)...)
	default:
		answer(w, http.StatusOK, append([]string{string(s.Health.State)}, s.Health.Reasons...)...)
	}
}

func answer(w http.ResponseWriter, status int, lines ...string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
}
