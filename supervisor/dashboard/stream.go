package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/ledger"
)

// Samples are the seconds after since, the oldest first.
type Samples func(since time.Time) []ledger.Sample

// Master is what the page shows.
type Master interface {
	Status(ctx context.Context) (control.Status, error)
	Requests(ctx context.Context, limit int) (control.Requests, error)
	Events(seq uint64) (e control.Events, changed <-chan struct{})
}

const (
	every       = time.Second
	maxViewers  = 32
	maxRequests = 60
	maxEvents   = 200
	// slowest is how long a viewer may take for one update before it is let go.
	slowest = 10 * time.Second
)

// update is one message of the stream. The first has all that is remembered, later
// ones what came since.
type update struct {
	Status   *control.Status   `json:"status,omitempty"` // absent while the master hangs
	Error    string            `json:"error,omitempty"`
	Requests *control.Requests `json:"requests,omitempty"`
	Events   []control.Event   `json:"events,omitempty"`
	Samples  [][12]float64     `json:"samples,omitempty"` // see flat
}

// flat is a sample as the page reads it: milliseconds since 1970, requests and errors a second,
// p50, p95 and p99 in seconds, connections, in flight, queue, ready, permits, waiting.
func flat(s ledger.Sample) [12]float64 {
	return [12]float64{
		float64(s.Time.UnixMilli()), s.Requests, s.Errors, s.P50.Seconds(), s.P95.Seconds(), s.P99.Seconds(),
		float64(s.Connections), float64(s.InFlight), float64(s.Queue), float64(s.Ready), float64(s.Permits), float64(s.Waiting),
	}
}

// Stream sends server-sent events: one update a second, and at once when something happened.
func Stream(m Master, samples Samples, leaving <-chan struct{}) http.Handler {
	var viewers atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer viewers.Add(-1)
		if viewers.Add(1) > maxViewers {
			http.Error(w, fmt.Sprintf("cannot show the dashboard to more than %d at a time", maxViewers), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		v := viewer{m: m, samples: samples, w: w, out: http.NewResponseController(w)}
		v.run(r.Context(), leaving)
	})
}

// viewer is one open page.
type viewer struct {
	m       Master
	samples Samples
	w       http.ResponseWriter
	out     *http.ResponseController
	seq     uint64    // of the last event sent
	since   time.Time // of the last sample sent
}

func (v *viewer) run(ctx context.Context, leaving <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		changed, err := v.send(ctx)
		if err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-changed:
			// A reload makes many events at once: show them together.
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		case <-leaving:
			// The page comes back at once, and meets the master that took over.
			_, _ = fmt.Fprint(v.w, "retry: 200\nevent: leaving\ndata: {}\n\n")
			_ = v.out.Flush()
			return
		case <-ctx.Done():
			return
		}
	}
}

func (v *viewer) send(ctx context.Context) (changed <-chan struct{}, err error) {
	u, changed := v.next(ctx)
	data, err := json.Marshal(u)
	if err != nil {
		return nil, err
	}
	if err := v.out.SetWriteDeadline(time.Now().Add(slowest)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(v.w, "data: %s\n\n", data); err != nil {
		return nil, err
	}
	return changed, v.out.Flush()
}

func (v *viewer) next(ctx context.Context) (update, <-chan struct{}) {
	var u update
	ask, cancel := context.WithTimeout(ctx, every)
	defer cancel()
	if s, err := v.m.Status(ask); err == nil {
		u.Status = &s
		if r, err := v.m.Requests(ask, maxRequests); err == nil {
			u.Requests = &r
		}
	} else {
		u.Error = "the master does not answer: " + err.Error()
	}
	events, changed := v.m.Events(v.seq)
	u.Events = events.Events[max(0, len(events.Events)-maxEvents):]
	v.seq = events.Seq
	for _, s := range v.samples(v.since) {
		u.Samples = append(u.Samples, flat(s))
		v.since = s.Time
	}
	return u, changed
}
