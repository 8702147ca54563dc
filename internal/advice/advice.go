package advice

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/control"
)

// Urgency orders advice.
type Urgency string

// The urgencies, the worst first.
const (
	Now   Urgency = "now"   // requests fail or will soon
	Soon  Urgency = "soon"  // it works, but not well
	Maybe Urgency = "maybe" // worth a thought
)

// Advice is one thing to know and what to do about it.
type Advice struct {
	Urgency Urgency `json:"urgency"`
	// About is the number behind it, as the status, the metrics and
	// docs/troubleshooting.md call it. It is stable, for programs.
	About string `json:"about"`
	Text  string `json:"text"` // the finding, a colon, the advice
	// Settings to look at, by their names.
	Settings []string `json:"settings,omitempty"`
}

// The guide's thresholds, and those of this program for what it does not name.
const (
	slowP99        = 10 * time.Second // "if P99 > 10s"
	tooManyErrors  = 0.01             // "if > 1 %"
	workerMemory   = 500 << 20        // "200-500 MB per worker"
	enoughRequests = 100              // below, percentiles and shares say nothing
	crowded        = 0.9              // of connections, CPU or memory
	queueFull      = 0.75
	quickRecycle   = 30 * time.Second
)

// Give returns the advice for a service, the most urgent first; none is a good sign.
func Give(s control.Status) []Advice {
	g := giver{s: s, m: s.Machine, set: make(map[string]string)}
	for _, x := range s.Settings {
		g.set[x.Name] = x.Value
	}
	g.count()
	for _, look := range []func(){
		g.health, g.deaths, g.poison, g.queues, g.latency, g.room, g.limits, g.errors, g.timeouts, g.cpu, g.memory, g.recycling, g.reload,
	} {
		look()
	}
	order := map[Urgency]int{Now: 0, Soon: 1, Maybe: 2}
	slices.SortStableFunc(g.list, func(a, b Advice) int { return cmp.Compare(order[a.Urgency], order[b.Urgency]) })
	return g.list
}

// giver is the status, counted once.
type giver struct {
	s    control.Status
	m    control.Machine
	set  map[string]string
	list []Advice

	ready, full, silent   int
	connections, capacity int
	cpu100                float64 // cores in use
	pss                   int64
	fattest               control.Worker
	quiet                 control.Worker
}

func (g *giver) count() {
	for _, w := range g.s.Workers {
		switch w.State {
		case control.StateReady:
			g.ready++
		case control.StateFull:
			g.ready++
			g.full++
		case control.StateSuspect, control.StateHung:
			g.silent++
		case control.StateBooting, control.StateDraining, control.StateAborting, control.StateKilled, control.StateAbsent:
			continue // neither its load nor its room count
		}
		g.connections += w.Connections
		g.capacity += w.Capacity
		g.cpu100 += w.CPU / 100
		g.pss += w.PSS
		if w.PSS > g.fattest.PSS {
			g.fattest = w
		}
		if w.Quiet > g.quiet.Quiet {
			g.quiet = w
		}
	}
}

func (g *giver) say(u Urgency, about string, settings []string, format string, args ...any) {
	g.list = append(g.list, Advice{u, about, fmt.Sprintf(format, args...), settings})
}

func names(n ...string) []string { return n }

func (g *giver) health() {
	if g.s.Health.State == control.HealthDown {
		g.say(Now, "health", nil, "the service is down (%s): see `deaths` and the log for why", strings.Join(g.s.Health.Reasons, "; "))
		return
	}
	if g.silent > 0 {
		g.say(Now, "heartbeat", names("timeout"), "%d of %d workers give no sign of life: new connections go elsewhere already; `stacks` shows what is known, and after `timeout` they are replaced", g.silent, g.s.Wanted)
	}
	if g.s.Ready < g.s.Wanted && g.s.Phase == control.PhaseServing {
		g.say(Soon, "workers_ready", names("boot_timeout"), "%d of %d workers are ready: see `deaths` and `events` for why the others are not", g.s.Ready, g.s.Wanted)
	}
}

func (g *giver) deaths() {
	r, lately := g.s.Recent.Restarts, g.lately()
	if n := r["out-of-memory"]; n > 0 {
		g.say(Now, "restarts", names("workers", "max_memory", "max_requests"), "the kernel killed %s for want of memory %s: run fewer workers (now %d), give the service more memory, or set max_memory so that a worker is replaced before that", times(n, "worker"), lately, g.s.Wanted)
	}
	crashes := r["panic"] + r["fatal-signal"] + r["exit-code"]
	if crashes > 0 {
		g.say(Soon, "restarts", nil, "%s crashed %s: `deaths show last` names the request and the line of code", times(crashes, "worker"), lately)
	}
	if n := r["outside-signal"]; n > 0 {
		g.say(Soon, "restarts", nil, "%s killed from outside %s: ask the kernel's log and the container runtime", was(n, "worker"), lately)
	}
}

// lately is the time that the rare things are counted in.
func (g *giver) lately() string { return "in the last " + human(g.s.Recent.Window) }

func (g *giver) poison() {
	for _, p := range g.s.Poisoned {
		if p.Quarantined {
			g.say(Now, "poison", names("poison.quarantine"), "%s keeps killing workers and is refused until %s: mend its handler", p.Shape, p.Until.Format(time.TimeOnly))
		} else {
			g.say(Now, "poison", names("poison.quarantine"), "%s was in flight in %d deaths: mend its handler; poison.quarantine keeps it away meanwhile", p.Shape, p.Deaths)
		}
	}
}

func (g *giver) queues() {
	for _, l := range g.s.Listeners {
		if l.Backlog <= 0 || float64(l.Deepest) < queueFull*float64(l.Backlog) {
			continue
		}
		what := "add workers, or load balancing over more machines; a larger backlog only helps against short bursts"
		if g.full > 0 {
			what = "raise worker_connections or add workers; a larger backlog only helps against short bursts"
		}
		g.say(Now, "queue_depth", names("backlog", "workers", "worker_connections"), "%d connections wait at %s in a queue of %d, soon clients are refused: %s (mind net.core.somaxconn)", l.Deepest, l.Address, l.Backlog, what)
	}
}

func (g *giver) latency() {
	t := g.s.Totals
	if t.Recent < enoughRequests || t.P99.Duration() <= slowP99 {
		return
	}
	finding := fmt.Sprintf("P99 is %s", human(t.P99))
	switch waiting := g.waiting(); {
	case waiting != "":
		g.say(Soon, "p99", names("llm_concurrent_limit", "max_concurrent_requests"), "%s and requests wait for the limit %s: raise it as far as the provider's rate limit allows", finding, waiting)
	case g.ready > 0 && g.full == g.ready:
		g.say(Now, "p99", names("workers", "worker_connections"), "%s and %d of %d workers are full: add workers or raise worker_connections, and see with `requests` what they wait for", finding, g.full, g.ready)
	case g.busy():
		g.say(Soon, "p99", names("workers"), "%s and the CPUs are busy (%.1f of %.3g): more workers will not help; add CPUs or machines", finding, g.cpu100, g.m.CPUs)
	default:
		g.say(Soon, "p99", names("timeout"), "%s, P50 %s, while workers and CPUs have room: the time goes to what the handlers wait for; look at `requests`, `stacks` and the LLM's response time", finding, human(t.P50))
	}
}

// waiting names a limit at which requests queue.
func (g *giver) waiting() string {
	for _, l := range g.s.Limits {
		if l.Waiting > 0 && l.InUse >= l.Max {
			return l.Name
		}
	}
	return ""
}

func (g *giver) busy() bool { return g.m.CPUs > 0 && g.cpu100 >= crowded*g.m.CPUs }
