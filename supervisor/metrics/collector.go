package metrics

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/ledger"
)

// Source is where the numbers come from. Its functions may be called from several
// goroutines at once.
type Source struct {
	Name, Version string
	Ledger        *ledger.Ledger
	// Status is a copy of the state of the master and its workers. An error
	// means that the master itself hangs; counters are shown all the same.
	Status func(context.Context) (control.Status, error)
	// Memory is a process's proportional share of memory in bytes, 0 if it is
	// not known. It must not block: reading it takes the kernel a while.
	Memory func(pid int) int64
}

// patience is how long a scrape waits for the master's state. Prometheus gives up after 10 s.
const patience = 2 * time.Second

// collector is the prometheus.Gatherer over a Source.
type collector struct{ src Source }

// Gather reads everything. The library's registry would check, hash and sort
// each of some thousand series at every scrape, only to find what a test has
// found: that they are well formed and every one is there once.
func (c collector) Gather() ([]*dto.MetricFamily, error) {
	b := newBatch()
	c.service(b)
	c.slots(b)
	c.latencies(b)
	c.upstreams(b)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := c.src.Status(ctx)
	b.gauge(masterResponsive, flag(err == nil))
	if err == nil {
		c.status(b, &s)
		c.workers(b, &s)
	}
	return b.families(), nil
}

func flag(set bool) float64 {
	if set {
		return 1
	}
	return 0
}

// service is what the ledger says about the service as a whole.
func (c collector) service(b *batch) {
	l := c.src.Ledger
	b.gauge(info, 1, c.src.Name, c.src.Version, runtime.Version())
	b.gauge(startTime, float64(l.Began().UnixNano())/1e9)
	for o := range ledger.Outcome(ledger.Outcomes) {
		b.counter(reloads, float64(l.Outcome(ledger.Reload, o)), o.String())
		b.counter(upgrades, float64(l.Outcome(ledger.Upgrade, o)), o.String())
	}
}

// slots are the counters of every slot that ever was.
func (c collector) slots(b *batch) {
	causes := c.src.Ledger.Causes()
	for i, s := range c.src.Ledger.Used() {
		slot := strconv.Itoa(i)
		n := s.Counts()
		b.counter(bytesOut, float64(n.BytesOut), slot)
		b.counter(timeouts, float64(n.Timeouts), slot)
		b.counter(panics, float64(n.Panics), slot)
		b.counter(lost, float64(n.Lost), slot)
		b.counter(accepted, float64(n.Accepted), slot)
		b.counter(taken, float64(n.Taken), slot)
		b.counter(processor, n.Processor.Seconds(), slot)
		for cause, name := range causes {
			// A series that appears with its first death is one whose first
			// increase nobody sees, so all causes are there from the start.
			b.counter(exits, float64(n.Deaths[cause]), slot, name)
		}
	}
}

// upstreams are the counters of every upstream that ever was. What had no number of its
// own is shown when there was any.
func (c collector) upstreams(b *batch) {
	names := c.src.Ledger.Upstreams()
	for i, n := range c.src.Ledger.Asked() {
		if i == 0 && n.Requests == 0 {
			continue
		}
		name := names[i]
		b.counter(upstreamRequests, float64(n.Requests), name)
		b.counter(upstreamFailures, float64(n.Failures), name)
		b.counter(upstreamLimited, float64(n.Limited), name)
		b.counter(upstreamRetries, float64(n.Retries), name)
		b.counter(upstreamEjections, float64(n.Ejections), name)
		b.counter(upstreamAnswers, float64(n.Answers), name)
		b.counter(upstreamFirstByte, n.Waited.Seconds(), name)
	}
}

// Handler serves the metrics in the form that the scraper asks for. Two may
// scrape at a time; a third is told to come back.
func Handler(src Source) http.Handler {
	return fastGzip(promhttp.HandlerFor(collector{src}, promhttp.HandlerOpts{
		EnableOpenMetrics: true, MaxRequestsInFlight: 2, DisableCompression: true,
	}))
}
