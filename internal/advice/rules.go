package advice

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/control"
)

// room is worker utilisation: "if they are often full, add workers".
func (g *giver) room() {
	if g.full > 0 {
		u := Soon
		if g.full == g.ready {
			u = Now
		}
		g.say(u, "connections", names("worker_connections", "workers", "keepalive"), "%d of %d workers hold all the connections they may: raise worker_connections (now %s), add workers, or lower keepalive if most are idle (%d connections, %d requests in flight)",
			g.full, g.ready, g.set["worker_connections"], g.connections, g.s.Totals.InFlight)
		return
	}
	if g.capacity > 0 && float64(g.connections) >= crowded*float64(g.capacity) {
		g.say(Soon, "connections", names("worker_connections", "workers"), "%d of %d possible connections are open: raise worker_connections or add workers before it is full", g.connections, g.capacity)
	}
}

func (g *giver) limits() {
	for _, l := range g.s.Limits {
		switch {
		case l.MaxQueue > 0 && float64(l.Waiting) >= queueFull*float64(l.MaxQueue):
			g.say(Now, "limits", names("queue_size", "queue_timeout"), "%d requests wait for the limit %s in a queue of %d, more are refused: raise the limit (now %d) if the provider and the CPUs allow it, else add machines", l.Waiting, l.Name, l.MaxQueue, l.Max)
		case l.Waiting > 0 && l.InUse >= l.Max:
			g.say(Soon, "limits", nil, "the limit %s is used up (%d of %d) and %d requests wait: raise it if the provider and the CPUs allow it", l.Name, l.InUse, l.Max, l.Waiting)
		}
	}
}

// errors is the guide's "error rate": above 1 % something is to be done.
func (g *giver) errors() {
	r, lately := g.s.Recent, g.lately()
	if share := float64(r.ByClass[5]) / float64(max(r.Requests, 1)); r.Requests >= enoughRequests && share > tooManyErrors {
		g.say(Soon, "errors", names("timeout", "workers"), "%.1f %% of the requests %s failed with 5xx (%d, of them %d by time-out): more than 1 %%; if they are time-outs, raise timeout (now %s) or add workers, else look at the log", 100*share, lately, r.ByClass[5], r.Timeouts, g.set["timeout"])
	}
	if r.Lost > 0 {
		g.say(Soon, "lost", nil, "%s never got an answer %s because a worker died: `deaths` says why", times(r.Lost, "request"), lately)
	}
	if r.Panics > 0 {
		g.say(Maybe, "panics", nil, "%s in handlers were answered with 500 %s: the log has their stacks", times(r.Panics, "panic"), lately)
	}
}

// timeouts is the guide's "workers time out frequently".
func (g *giver) timeouts() {
	if n := g.s.Recent.Restarts["timeout"]; n > 0 {
		g.say(Soon, "restarts", names("timeout"), "%s replaced after a time-out %s: `deaths` shows where they hang; give calls to the LLM a deadline, raise timeout (now %s) if the work takes so long, or add workers", was(n, "worker"), g.lately(), g.set["timeout"])
	}
	limit, err := time.ParseDuration(g.set["timeout"])
	if err == nil && limit > 0 && g.quiet.Quiet.Duration() > limit/2 {
		g.say(Maybe, "quietest_request", names("timeout"), "a request in slot %d has made no progress for %s, and at %s it gets a 503: `requests` names it", g.quiet.Slot, human(g.quiet.Quiet), limit)
	}
}

// cpu is "CPU >= workers / 2 cores", and whether they are used up.
func (g *giver) cpu() {
	if g.m.CPUs <= 0 {
		return
	}
	if g.busy() {
		g.say(Soon, "cpu", nil, "the workers use %.1f of %.3g CPUs: more workers will not help; add CPUs, or machines behind a load balancer", g.cpu100, g.m.CPUs)
	}
	if most := 4*g.m.CPUs + 1; float64(g.s.Wanted) > most {
		g.say(Maybe, "workers", names("workers"), "%d workers on %.3g CPUs: more than 4 per CPU cost memory and gain nothing; CPU x 2 + 1 suits work that waits for an LLM", g.s.Wanted, g.m.CPUs)
	}
}

func (g *giver) memory() {
	if g.m.Memory > 0 && float64(g.pss) >= crowded*float64(g.m.Memory) {
		g.say(Now, "memory", names("workers", "max_memory"), "the workers use %s of %s memory: run fewer workers or set max_memory, before the kernel kills one", size(g.pss), size(g.m.Memory))
	}
	if g.fattest.PSS > workerMemory && (g.set["max_memory"] == "" || g.set["max_memory"] == "0") {
		g.say(Soon, "memory", names("max_memory", "max_requests"), "the worker in slot %d uses %s, more than the usual 200 to 500 MB: set max_memory, so that it is replaced gracefully, and look at `profile %d heap`", g.fattest.Slot, size(g.fattest.PSS), g.fattest.Slot)
	}
	if after := int64(g.s.Wanted) * workerMemory; g.m.Memory > 0 && after > g.m.Memory && g.pss > g.m.Memory/2 {
		g.say(Maybe, "memory", names("workers"), "%d workers may need %s (500 MB each) and there are %s: fewer workers, or more memory", g.s.Wanted, size(after), size(g.m.Memory))
	}
}

// recycling: Go answers a thousand requests in a blink.
func (g *giver) recycling() {
	limit, err := strconv.ParseFloat(g.set["max_requests"], 64)
	if err != nil || limit <= 0 || g.ready == 0 || g.s.Totals.Recent < enoughRequests {
		return
	}
	rate := g.s.Totals.Rate / float64(g.ready)
	if rate <= 0 {
		return
	}
	if life := time.Duration(limit / rate * float64(time.Second)); life < quickRecycle {
		g.say(Maybe, "recycling", names("max_requests"), "at %.0f requests per second a worker reaches max_requests (%.0f) in %s: raise it to %.0f or more, so that a worker lives for minutes", g.s.Totals.Rate, limit, life.Round(100*time.Millisecond), roundUp(rate*300))
	}
}

func (g *giver) reload() {
	if r := g.s.Reload; r != nil && !r.OK() && r.Outcome != control.OutcomeCalledOff {
		g.say(Soon, "last_reload", nil, "the last reload did not happen (%s): the service runs with older settings than the file", r.Text)
	}
}

func times(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func was(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun + " was"
	}
	return fmt.Sprintf("%d %ss were", n, noun)
}

func human(s control.Seconds) string {
	d := s.Duration()
	switch {
	case d >= 10*time.Minute:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}

func size(n int64) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
}

// roundUp gives a number that somebody would choose: one digit, then zeros.
func roundUp(x float64) float64 {
	unit := 1.0
	for x/unit > 10 {
		unit *= 10
	}
	n := float64(int(x / unit))
	if n*unit < x {
		n++
	}
	return n * unit
}
