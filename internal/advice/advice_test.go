package advice

import (
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/control"
)

// healthy is a service with nothing to complain about.
func healthy(change func(s *control.Status)) control.Status {
	s := control.Status{
		Phase: control.PhaseServing, Health: control.Health{State: control.HealthOK}, Wanted: 8, Ready: 8,
		Listeners: []control.Listener{{Address: "127.0.0.1:8000", Deepest: 3, Backlog: 2048}},
		Settings: []control.Setting{
			{Name: "timeout", Value: "2m0s"}, {Name: "worker_connections", Value: "1000"}, {Name: "max_requests", Value: "1000"}, {Name: "max_memory", Value: "0"},
		},
	}
	s.Machine = control.Machine{CPUs: 4, Memory: 8 << 30}
	s.Totals.Recent = 5000
	s.Recent.Window, s.Recent.Requests, s.Recent.ByClass[2] = 900, 100_000, 100_000
	s.Totals.Rate, s.Totals.P50, s.Totals.P99 = 80, 0.2, 1.5
	for slot := range 8 {
		s.Workers = append(s.Workers, control.Worker{
			Slot: slot, State: control.StateReady, Connections: 100, Capacity: 1000, PSS: 80 << 20, CPU: 10,
		})
	}
	if change != nil {
		change(&s)
	}
	return s
}

func each(s *control.Status, f func(w *control.Worker)) {
	for i := range s.Workers {
		f(&s.Workers[i])
	}
}

// TestGive goes through the guide: every number it names, and what it advises.
func TestGive(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *control.Status)
		first  Urgency // of the first advice
		about  string
		words  []string
		no     []string // must not be said anywhere
	}{
		"nothing to complain about": {nil, "", "", nil, nil},
		"a slow service with full workers": {func(s *control.Status) {
			s.Totals.P99 = 12
			each(s, func(w *control.Worker) { w.State, w.Connections = control.StateFull, 1000 })
		}, Now, "p99", []string{"P99 is 12s and 8 of 8 workers are full", "worker_connections"}, nil},
		"a slow service with room": {func(s *control.Status) { s.Totals.P99 = 12 }, Soon, "p99", []string{"P99 is 12s, P50 200ms", "have room", "LLM's response time"}, []string{"more workers"}},
		"a slow service at its limit": {func(s *control.Status) {
			s.Totals.P99 = 12
			s.Limits = []control.Limit{{Name: "llm", InUse: 20, Max: 20, Waiting: 7, MaxQueue: 100}}
		}, Soon, "p99", []string{"limit llm", "provider's rate limit"}, []string{"have room"}},
		"a slow service without CPU": {func(s *control.Status) {
			s.Totals.P99 = 12
			each(s, func(w *control.Worker) { w.CPU = 48 })
		}, Soon, "p99", []string{"3.8 of 4", "more workers will not help"}, nil},
		"a few slow requests prove nothing": {func(s *control.Status) { s.Totals.P99, s.Totals.Recent = 12, 20 }, "", "", nil, nil},
		"one full worker":                   {func(s *control.Status) { s.Workers[2].State = control.StateFull }, Soon, "connections", []string{"1 of 8 workers"}, nil},
		"nearly full":                       {func(s *control.Status) { each(s, func(w *control.Worker) { w.Connections = 950 }) }, Soon, "connections", []string{"7600 of 8000"}, nil},
		"errors above one percent": {func(s *control.Status) {
			s.Recent.ByClass[5], s.Recent.Timeouts = 2000, 1500
		}, Soon, "errors", []string{"2.0 %", "1500 by time-out", "2m0s", "in the last 15m "}, nil},
		"errors below":     {func(s *control.Status) { s.Recent.ByClass[5] = 900 }, "", "", nil, nil},
		"workers time out": {func(s *control.Status) { s.Recent.Restarts = map[string]uint64{"timeout": 3, "recycle": 900} }, Soon, "restarts", []string{"3 workers were replaced", "timeout"}, nil},
		"out of memory":    {func(s *control.Status) { s.Recent.Restarts = map[string]uint64{"out-of-memory": 1} }, Now, "restarts", []string{"1 worker", "fewer workers", "max_memory"}, nil},
		"crashes":          {func(s *control.Status) { s.Recent.Restarts = map[string]uint64{"panic": 1, "exit-code": 1} }, Soon, "restarts", []string{"2 workers crashed", "deaths show last"}, nil},
		"a fat worker":     {func(s *control.Status) { s.Workers[5].PSS = 700 << 20 }, Soon, "memory", []string{"slot 5", "700 MiB", "profile 5 heap"}, nil},
		"a fat worker with a limit": {func(s *control.Status) {
			s.Workers[5].PSS = 700 << 20
			s.Settings[3].Value = "1g"
		}, "", "", nil, nil},
		"no memory left":               {func(s *control.Status) { each(s, func(w *control.Worker) { w.PSS = 1 << 30 }) }, Now, "memory", []string{"8.0 GiB of 8.0 GiB", "fewer workers"}, nil},
		"connection refused is near":   {func(s *control.Status) { s.Listeners[0].Deepest = 1900 }, Now, "queue_depth", []string{"1900", "2048", "somaxconn"}, nil},
		"a queue that cannot be asked": {func(s *control.Status) { s.Listeners[0].Deepest, s.Listeners[0].Backlog = -1, 0 }, "", "", nil, nil},
		"a limit's queue is nearly full": {func(s *control.Status) {
			s.Limits = []control.Limit{{Name: "llm", InUse: 20, Max: 20, Waiting: 80, MaxQueue: 100}}
		}, Now, "limits", []string{"80 requests wait", "more are refused"}, nil},
		"a hung worker":       {func(s *control.Status) { s.Workers[1].State = control.StateHung }, Now, "heartbeat", []string{"1 of 8"}, nil},
		"workers are missing": {func(s *control.Status) { s.Ready = 6 }, Soon, "workers_ready", []string{"6 of 8"}, nil},
		"down": {func(s *control.Status) {
			s.Health = control.Health{State: control.HealthDown, Reasons: []string{"no worker is ready"}}
		}, Now, "health", []string{"no worker is ready"}, nil},
		"recycled all the time":      {func(s *control.Status) { s.Totals.Rate = 4000 }, Maybe, "recycling", []string{"in 2s", "200000"}, nil},
		"too many workers":           {func(s *control.Status) { s.Wanted, s.Ready = 40, 40 }, Maybe, "workers", []string{"40 workers on 4 CPUs"}, nil},
		"a request without progress": {func(s *control.Status) { s.Workers[3].Quiet = 90 }, Maybe, "quietest_request", []string{"slot 3", "1m30s"}, nil},
		"poison": {func(s *control.Status) {
			s.Poisoned = []control.PoisonedShape{{Shape: "GET /boom", Deaths: 3}}
		}, Now, "poison", []string{"GET /boom", "3 deaths"}, nil},
		"quarantined": {func(s *control.Status) {
			s.Poisoned = []control.PoisonedShape{{Shape: "GET /boom", Deaths: 3, Quarantined: true, Until: time.Now()}}
		}, Now, "poison", []string{"refused until"}, nil},
		"what was long ago": {func(s *control.Status) {
			s.Totals.Requests, s.Totals.ByClass[5], s.Totals.Lost, s.Totals.Panics = 200_000, 100_000, 9, 9
			s.Totals.Restarts = map[string]uint64{"panic": 9, "timeout": 9, "out-of-memory": 9}
		}, "", "", nil, nil},
		"lost requests": {func(s *control.Status) { s.Recent.Lost = 1 }, Soon, "lost", []string{"1 request never"}, nil},
		"a rejected reload": {func(s *control.Status) {
			s.Reload = &control.Result{Order: "reload", Outcome: control.OutcomeRejected, Text: "line 3: no such key"}
		}, Soon, "last_reload", []string{"line 3"}, nil},
	} {
		list := Give(healthy(c.change))
		if c.first == "" {
			if len(list) != 0 {
				t.Errorf("%s: %+v, want nothing", name, list)
			}
			continue
		}
		if len(list) == 0 || list[0].Urgency != c.first || list[0].About != c.about {
			t.Errorf("%s: %+v, want first %s about %s", name, list, c.first, c.about)
			continue
		}
		all := ""
		for _, a := range list {
			all += a.Text + "\n"
		}
		for _, w := range c.words {
			if !strings.Contains(all, w) {
				t.Errorf("%s: %q is not in:\n%s", name, w, all)
			}
		}
		for _, w := range c.no {
			if strings.Contains(all, w) {
				t.Errorf("%s: %q is in:\n%s", name, w, all)
			}
		}
	}
}

func TestUnknownMachineIsNoReason(t *testing.T) {
	s := healthy(func(s *control.Status) {
		s.Wanted, s.Ready = 500, 500
		each(s, func(w *control.Worker) { w.CPU = 5000 })
		s.Machine = control.Machine{}
	})
	if list := Give(s); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	if list := Give(control.Status{}); len(list) != 0 {
		t.Errorf("an empty status: %+v", list)
	}
}

func TestTheWorstComesFirst(t *testing.T) {
	list := Give(healthy(func(s *control.Status) {
		s.Totals.Rate, s.Recent.Panics = 4000, 1
		s.Recent.Restarts = map[string]uint64{"timeout": 1, "out-of-memory": 1}
	}))
	var got []string
	for _, a := range list {
		got = append(got, string(a.Urgency))
	}
	if want := "now soon maybe maybe"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestRoundUp(t *testing.T) {
	for x, want := range map[float64]float64{0.5: 1, 9: 9, 11: 20, 150_000: 200_000, 200_000: 200_000, 990: 1000} {
		if got := roundUp(x); got != want {
			t.Errorf("%v: %v, want %v", x, got, want)
		}
	}
}
