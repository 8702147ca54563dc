package autopsy

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/machine"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/*.txt anew")

func sample(t testing.TB) Record {
	e := Evidence{Code: 2, Ready: true, Reason: fleet.ReasonSilent, Ledger: sent("SIGABRT"), Crash: crashText(t, "abort")}
	return Record{
		Time: time.Date(2026, 11, 22, 22, 7, 59, 123e6, time.UTC),
		PID:  1234, Slot: 2, Generation: 7,
		Verdict: Classify(e), Uptime: 3*time.Hour + 4*time.Second, Requests: 4711,
		InFlight: []Request{
			{ID: 9, Method: "GET", Path: "/slow", Client: "192.0.2.7:4444", Age: 9 * time.Second, SinceProgress: 8 * time.Second},
			{ID: 7, Method: "POST", Path: "/v1/chat/completions\x1b[2J", Client: "192.0.2.8:4445", Age: 200 * time.Second, SinceProgress: 20 * time.Millisecond, BytesOut: 12345, Flags: []string{"streaming"}},
			{ID: 8, Method: "GET", Path: "/spin", Client: "192.0.2.9:4446", Age: 3 * time.Second, SinceProgress: 3 * time.Second, Flags: []string{FlagStuck}},
		},
		Code: 2, Silent: 2500 * time.Millisecond, Connections: 12, Version: "v1.2.3",
		Idle: []string{"192.0.2.10:1", "192.0.2.11:2", "192.0.2.12:3", "192.0.2.13:4", "192.0.2.14:5"}, IdleAll: 7,
		Stacks: Group(e.Crash),
		Stderr: []string{"started", "oops\x07"},
		Log:    []string{`{"level":"info","msg":"worker ready"}`},
		Seen:   []string{"GET /spin was in flight in 3 deaths within 10m0s"},
		Usage:  Usage{User: 1500 * time.Millisecond, System: 200 * time.Millisecond, MaxRSS: 30 << 20, MajorFaults: 3, Preempted: 4, Yielded: 5},
		Pressure: Pressure{
			Pressure: machine.Pressure{
				CPU: machine.Stall{Known: true, Some: 41.5}, Memory: machine.Stall{Known: true}, Load: 7.25, CPUs: 2,
				Available: 1 << 30, Total: 8 << 30, Used: 300 << 20, Limit: 512 << 20,
			},
			ThrottledInLife: 17, ThrottledInLifeFor: 40 * time.Minute,
		},
	}
}

func TestTextGolden(t *testing.T) {
	killed := sample(t)
	killed.Verdict = Classify(Evidence{Code: -1, Signal: "SIGKILL", Ready: true, OOM: OOM{Readable: true, Before: 1, After: 2, Source: "memory.events.local"}})
	killed.Stacks, killed.InFlight, killed.Idle, killed.Stderr = Dump{}, killed.InFlight[:1], nil, nil
	killed.IdleAll = 0
	killed.Code, killed.Signal, killed.Log, killed.Seen, killed.Pressure = -1, "SIGKILL", nil, nil, Pressure{}
	for name, r := range map[string]Record{"silent": sample(t), "oom": killed} {
		got, file := r.Text(64<<10), "testdata/"+name+".txt"
		if *rewrite {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs (go test -rewrite, then read the difference):\n%s", file, got)
		}
	}
}

func TestCulprit(t *testing.T) {
	r := sample(t)
	for _, tt := range []struct {
		cause Cause
		n     int
		want  uint64 // 0: nobody can be blamed
	}{
		{CauseTimeout, 3, 8},
		{CauseTimeout, 2, 9},
		{CauseOverdue, 3, 8},
		{CauseTimeout, 0, 0},
		{CausePanic, 3, 0},
		{CausePanic, 1, 9},
		{CauseOOM, 1, 9},
		{CauseOutside, 1, 0},
		{CauseReload, 3, 0},
	} {
		r := r
		r.Verdict.Cause, r.InFlight = tt.cause, r.InFlight[:tt.n]
		if q, ok := r.Culprit(); q.ID != tt.want || ok != (tt.want != 0) {
			t.Errorf("%s with %d requests: blamed %d", tt.cause, tt.n, q.ID)
		}
	}
}

func TestTextIsBounded(t *testing.T) {
	r := sample(t)
	for range 1000 {
		r.InFlight = append(r.InFlight, Request{Path: strings.Repeat("p", 1000)})
	}
	for range 1000 {
		r.Stacks.Stacks = append(r.Stacks.Stacks, Stack{Count: 1, ID: "1", State: "idle", Frames: []string{strings.Repeat("f", 1000)}})
		r.Stderr = append(r.Stderr, strings.Repeat("e", 5000))
	}
	for limit := 200; limit < 1<<20; limit = limit*3/2 + 1 {
		got := r.Text(limit)
		if len(got) > limit {
			t.Errorf("%d bytes, limit %d", len(got), limit)
		}
		if !strings.HasPrefix(got, "Worker died: ") && limit > 400 {
			t.Errorf("limit %d lost the first line: %.80q", limit, got)
		}
		if !strings.Contains(got, "cut here") && !strings.Contains(got, "left out") {
			t.Errorf("limit %d: nothing says that something is missing", limit)
		}
	}
	if got := r.Text(256 << 10); !strings.Contains(got, "... and 803 more") || !strings.Contains(got, "main.main.func1") {
		t.Error("the first stacks must have room in a full record")
	}
}

func TestJSON(t *testing.T) {
	b, err := sample(t).JSON(0)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Time     time.Time
		PID      int
		Verdict  Verdict
		Uptime   float64
		InFlight []struct {
			ID  uint64
			Age float64
		} `json:"in_flight"`
		Stacks Dump
		MaxRSS int64 `json:"max_rss"`
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.PID != 1234 || got.Verdict.Cause != CauseTimeout || got.Uptime != 10804 || got.InFlight[0].ID != 8 || got.InFlight[0].Age != 3 ||
		len(got.Stacks.Stacks) == 0 || got.MaxRSS != 30<<20 || !got.Time.Equal(sample(t).Time) {
		t.Errorf("%s", b)
	}
}

func TestJSONIsReadBack(t *testing.T) {
	want := sample(t)
	want.InFlight = want.byBlame()
	b, err := want.JSON(0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, bad := range []string{"", "{", `{"format":0}`, `{"format":99}`} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestJSONIsBounded(t *testing.T) {
	r := sample(t)
	for range 2000 {
		r.InFlight = append(r.InFlight, Request{Path: strings.Repeat("p", 200), Method: "GET"})
		r.Stacks.Stacks = append(r.Stacks.Stacks, Stack{Count: 1, ID: "1", State: "idle", Frames: []string{strings.Repeat("f", 500)}})
		r.Log = append(r.Log, strings.Repeat("l", 500))
		r.Idle = append(r.Idle, "192.0.2.10:10000")
	}
	for _, limit := range []int{8 << 10, 64 << 10, 256 << 10} {
		b, err := r.JSON(limit)
		if err != nil || len(b) > limit {
			t.Errorf("limit %d: %d bytes, %v", limit, len(b), err)
		}
		if got, err := Parse(b); err != nil || !got.Stacks.Truncated || got.InFlight[0].ID != 8 {
			t.Errorf("limit %d: the culprit must stay: %v", limit, err)
		}
	}
	if n := len(r.InFlight); n != 2003 {
		t.Errorf("the record itself was changed: %d requests", n)
	}
}

// TestWhere finds the application's code in real tracebacks.
func TestWhere(t *testing.T) {
	for name, want := range map[string]struct {
		cause Cause
		place string
	}{
		"panic":   {CausePanic, "main."},
		"nil":     {CausePanic, "main."},
		"gopanic": {CausePanic, "main."},
		"map":     {CauseFatal, "main."},
		"fault":   {CauseFatal, "main."},
	} {
		p, ok := Record{Verdict: Verdict{Cause: want.cause}, Stacks: Group(crashText(t, name))}.Where()
		if !ok || !strings.HasPrefix(p.Function, want.place) || !strings.Contains(p.Position, ".go:") {
			t.Errorf("%s: %+v, %v", name, p, ok)
		}
	}
	stack := func(count int, first bool, frames ...string) Stack {
		return Stack{Count: count, ID: "1", First: first, Frames: frames}
	}
	serving := []string{"sync.(*Mutex).Lock", "\t/go/mutex.go:1", "example.com/shop.checkout", "\t/shop/checkout.go:42", workerPackage + "(*fastEngine).serve", "\tx:1"}
	idle := stack(500, false, "runtime.gopark", "\tx:1", workerPackage+"(*conn).Read", "\tx:1", "github.com/valyala/fasthttp.acceptConn", "\tx:1")
	background := stack(600, false, "example.com/shop.sweep", "\t/shop/sweep.go:1")
	for name, tt := range map[string]struct {
		cause  Cause
		stacks []Stack
		want   string
	}{
		"a blocked handler in a time-out": {CauseTimeout, []Stack{idle, background, stack(8, false, serving...)}, "example.com/shop.checkout"},
		"who ran comes first":             {CauseTimeout, []Stack{stack(1, true, "example.com/shop.spin", "\tx:2"), stack(8, false, serving...)}, "example.com/shop.spin"},
		"who asked for the stacks is not blamed": {CauseTimeout, []Stack{
			stack(1, true, "syscall.RawSyscall", "\tx:1", "golang.org/x/sys/unix.Tgkill", "\tx:1", workerPackage+"abortSelf", "\tx:1", "main.main", "\tx:1"),
			stack(8, false, serving...),
		}, "example.com/shop.checkout"},
		"bystanders of a panic are not blamed": {CausePanic, []Stack{stack(8, false, serving...)}, ""},
		"main only waits": {CauseTimeout, []Stack{
			stack(1, false, "runtime.gopark", "\tx:1", workerPackage+"(*core).run", "\tx:1", workerPackage+"Run", "\tx:1", "main.main", "\tx:1"),
			stack(1, false, serving...),
		}, "example.com/shop.checkout"},
		"a setup that waits": {CauseBootTimeout, []Stack{
			background, stack(1, false, workerPackage+"Main", "\tx:1", "main.main", "\tx:1"),
			stack(1, false, "net.(*Dialer).Dial", "\tx:1", "example.com/shop.connect", "\tx:7", workerPackage+"guarded", "\tx:1"),
		}, "example.com/shop.connect"},
		"nobody": {CauseTimeout, []Stack{idle, background}, ""},
	} {
		p, ok := Record{Verdict: Verdict{Cause: tt.cause}, Stacks: Dump{Stacks: tt.stacks}}.Where()
		if p.Function != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %+v, %v", name, p, ok)
		}
	}
}

// TestEveryAbnormalCauseHasARemedy: nobody is left alone at three in the morning.
func TestEveryAbnormalCauseHasARemedy(t *testing.T) {
	for _, c := range []Cause{
		CauseTimeout, CauseOverdue, CauseBootTimeout, CauseBoot, CauseLoad, CauseOOM, CausePanic, CauseFatal, CauseExit, CauseOutside,
	} {
		if (Record{Verdict: Verdict{Cause: c}}).Remedy() == "" {
			t.Errorf("%s has none", c)
		}
	}
	quota := Record{Verdict: Verdict{Cause: CauseTimeout}, Uptime: time.Minute, Pressure: Pressure{ThrottledInLifeFor: 30 * time.Second}}
	if !strings.Contains(quota.Remedy(), "CPU quota") {
		t.Error("a starved worker is not blamed on the quota")
	}
	quota.Verdict.Cause = CausePanic
	if strings.Contains(quota.Remedy(), "CPU quota") {
		t.Error("a panic has nothing to do with the quota")
	}
}
