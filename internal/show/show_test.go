package show

import (
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/control"
)

func TestUnitsAreShort(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{Age(0), "-"},
		{Age(control.Sec(300 * time.Nanosecond)), "1us"},
		{Age(control.Sec(45 * time.Microsecond)), "45us"},
		{Age(control.Sec(2500 * time.Microsecond)), "2.5ms"},
		{Age(0.85), "850ms"},
		{Age(1.25), "1.2s"},
		{Age(59.9), "59s"},
		{Age(250), "4m10s"},
		{Age(3 * 3600), "3h00m"},
		{Age(100 * 3600), "4d"},
		{Bytes(0), "-"},
		{Bytes(999), "999B"},
		{Bytes(1000), "1.0K"},
		{Bytes(6 << 20), "6M"},
		{Bytes(1536 << 20), "1.5G"},
		{Bytes(5 << 40), "5T"},
		{Count(9999), "9999"},
		{Count(12_345), "12k"},
		{Count(1_500_000), "1.5M"},
		{Rate(0), "0"},
		{Rate(0.26), "0.3"},
		{Rate(99.6), "100"},
		{Rate(123_456), "123k"},
		{Share(0), "0%"},
		{Share(0.0001), "<0.1%"},
		{Share(0.0126), "1.3%"},
		{Share(0.05), "5%"},
		{Share(0.456), "46%"},
		{Share(1), "100%"},
		{Cut("längere", 4), "län…"},
		{Cut("a\x1b[2Jb\n", 20), "a?[2Jb?"},
		{Cut("abc", 0), ""},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestStatusOnOneScreen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 15, 4, 5, 0, time.UTC)
	s := control.Status{
		Name: "webchasor", Version: "v1", PID: 100, Uptime: 3700, Upgrades: 2, Time: now, Generation: 3,
		Health: control.Health{State: control.HealthDegraded, Reasons: []string{"1 of 2 workers are ready"}},
		Phase:  control.PhaseRollback, Wanted: 2, Ready: 1,
		Listeners: []control.Listener{{Depth: 5, Deepest: 3, Backlog: 2048}, {Depth: -1}},
		Limits:    []control.Limit{{Name: "llm", InUse: 20, Max: 20, Waiting: 7, MaxQueue: 100}},
		Upstreams: []control.Upstream{
			{Name: "well", Workers: 2, Requests: 5},
			{Name: "a\x1b", Workers: 2, Ejected: 1, Back: 8, Requests: 1000, Failures: 12},
			{Name: "b", Workers: 2, Ejected: 2},
		},
		Totals:   control.Totals{Connections: 12, Capacity: 100, InFlight: 3, Streams: 1, Traffic: control.Traffic{Rate: 1.5, Requests: 1000, P95: 0.1, P99: 0.25, ErrorShare: 0.0126, Lost: 1}},
		Warnings: []control.Warning{{Text: "look at this"}},
		Workers: []control.Worker{
			{Slot: 0, PID: 101, Generation: 3, State: control.StateReady, Age: 60, PSS: 7 << 20, CPU: 12.4, Restarts: 4},
			{Slot: 1, State: control.StateAbsent, LastDeath: &control.Death{Time: now.Add(-time.Minute), Text: "panic: boom"}},
		},
	}
	var b strings.Builder
	if err := Status(&b, s); err != nil {
		t.Fatal(err)
	}
	const want = `webchasor v1  DEGRADED, rolling back  generation 3  master pid 100, up 1h01m, 2 upgrades
  1 of 2 workers are ready
workers 1 of 2 ready  connections 12 of 100 (12%)  in flight 3 (streams 1)  queue 3/2048
1.5 req/s  p50 -  p95 100ms  p99 250ms  errors 1.3%
in all: requests 1000  5xx 0  timeouts 0  panics 0  lost 1
limit llm: 20 of 20 in use, 7 of 100 wait
upstream a?: ejected in 1 of 2 workers, tried again in 8.0s; 12 of 1000 requests failed
upstream b: ejected in 2 of 2 workers, tried again at the next request; 0 of 0 requests failed

SLOT PID GEN STATE    AGE CONN BUSY OLDEST REQS REQ/S P50 P95 P99 MEM CPU ENDED
   0 101   3 ready  1m00s    0    0      -    0     0   -   -   -  7M 12%     4
   1   -   0 absent     -    0    0      -    0     0   -   -   -   -  0%     0
slot 1: last death 1m00s ago: panic: boom
! look at this
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	text := func(write func(b *strings.Builder) error) string {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, c := range []struct {
		got  string
		want []string
	}{
		{text(func(b *strings.Builder) error { return Requests(b, control.Requests{}) }), []string{"no request"}},
		{
			text(func(b *strings.Builder) error {
				return Requests(b, control.Requests{Omitted: 9, Requests: []control.Request{{Slot: 1, Client: "c"}, {Method: "GET", Path: "/x\x1b"}}})
			}),
			[]string{"(being read)", "GET /x?", "and 9 more"},
		},
		{text(func(b *strings.Builder) error { return Deaths(b, control.Deaths{Dir: "/d"}) }), []string{"no worker has died", "/d"}},
		{
			text(func(b *strings.Builder) error {
				return Deaths(b, control.Deaths{Deaths: []control.Death{{ID: "the-id", Cause: "panic"}}})
			}),
			[]string{"the-id", "panic", "CULPRIT"},
		},
		{text(func(b *strings.Builder) error { return Plan(b, control.Plan{Warnings: []string{"careful"}}) }), []string{"no setting changes", "! careful"}},
		{
			text(func(b *strings.Builder) error {
				return Plan(b, control.Plan{Changes: []control.Change{{Name: "bind", Old: ":1", New: ":2", Class: "upgrade"}, {Name: "pidfile", Class: "hot"}}})
			}),
			[]string{"bind", "until webchasor upgrade", "(none)", "hot: the master"},
		},
		{
			text(func(b *strings.Builder) error {
				return Stacks(b, control.Stacks{Slot: 2, PID: 7, Goroutines: 9, Truncated: true, Groups: []control.StackGroup{{Count: 9, State: "select", Created: "main", Frames: []string{"f (x.go:1)"}}}})
			}),
			[]string{"slot 2, pid 7: 9 goroutines in 1 groups", "9 x select, created by main", "    f (x.go:1)", "was longer"},
		},
		{EventLine(control.Event{Kind: control.KindDeath, Slot: new(int), PID: 5, Text: "died\nbadly", Death: "id"}), []string{"slot 0 pid 5 died?badly", "deaths show id"}},
	} {
		for _, want := range c.want {
			if !strings.Contains(c.got, want) {
				t.Errorf("%q is not in:\n%s", want, c.got)
			}
		}
	}
}
