package metrics

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/ledger"
)

func newLedger(t testing.TB) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Create(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func slotOf(t testing.TB, l *ledger.Ledger, i int) *ledger.Slot {
	t.Helper()
	s, err := l.Slot(i)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// full is a status in which nothing is missing.
func full(workers int) control.Status {
	s := control.Status{
		Started: time.Now(), Generation: 3, Wanted: workers, Ready: workers,
		Health: control.Health{State: control.HealthOK}, Phase: control.PhaseServing,
		Listeners: []control.Listener{{Address: "127.0.0.1:1", Depth: 3, Deepest: 2, Backlog: 10}, {Address: "unix:/x", Depth: -1}},
		Poisoned:  []control.PoisonedShape{{Shape: "GET /a"}, {Shape: "GET /b", Quarantined: true}, {Shape: "GET /c"}},
		Certificates: []control.Certificate{
			{File: "a.crt", Subject: "a.test", Begins: time.Unix(1000, 0), Expires: time.Unix(2000, 5)},
			{File: "b\xff.crt", Subject: "b.test", Begins: time.Unix(1000, 0), Expires: time.Unix(3000, 0)},
		},
		Limits:    []control.Limit{{Name: "llm", InUse: 2, Max: 20, Waiting: 1, MaxQueue: 100}},
		Upstreams: []control.Upstream{{Name: "a", Workers: 4, Ejected: 1, InFlight: 7}},
	}
	for i := range workers {
		s.Workers = append(s.Workers, control.Worker{Slot: i, PID: 100 + i, State: control.StateReady, Connections: 5, InFlight: 2})
	}
	s.Workers = append(s.Workers, control.Worker{Slot: workers - 1, PID: 99, State: control.StateDraining, Connections: 1, InFlight: 1})
	return s
}

func source(l *ledger.Ledger, s control.Status) Source {
	return Source{
		Name: "webchasor", Version: "test", Ledger: l,
		Status: func(context.Context) (control.Status, error) { return s, nil },
		Memory: func(int) int64 { return 1 << 20 },
	}
}

// gather reads everything and parses it back with the official parser of the text format.
func gather(t testing.TB, src Source) (families map[string]*dto.MetricFamily, text string) {
	t.Helper()
	raw, err := collector{src}.Gather()
	if err != nil {
		t.Fatal(err)
	}
	inspect(t, raw)
	var buf bytes.Buffer
	for _, f := range raw {
		if _, err := expfmt.MetricFamilyToText(&buf, f); err != nil {
			t.Fatal(err)
		}
	}
	text = buf.String()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err = parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return families, text
}

// value of the only series with these label values.
func value(t testing.TB, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	for _, m := range families[name].GetMetric() {
		have := make([]string, 0, len(m.GetLabel()))
		for _, l := range m.GetLabel() {
			have = append(have, l.GetValue())
		}
		if strings.Join(have, ",") == strings.Join(labels, ",") {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	t.Errorf("no %s{%v}", name, labels)
	return math.NaN()
}

func TestEverythingIsThereAndWellFormed(t *testing.T) {
	l := newLedger(t)
	l.AddRoutes([]string{"/chat"})
	l.AddCauses([]string{"panic"})
	s := slotOf(t, l, 1)
	s.Request(1, 200, 10, 3*time.Millisecond)
	s.Request(1, 200, 10, 30*time.Second)
	s.Request(0, 404, 10, 0)
	l.Died(s, "panic", 2)
	s.Processor(1500 * time.Millisecond)
	l.AddUpstreams([]string{"a", "idle"})
	for i := range 2 { // in two slots
		_, u := l.Upstream(slotOf(t, l, i), "a")
		u.Request()
		if i == 1 {
			u.Retry()
			u.Failed()
			u.Answered(2500 * time.Millisecond)
		}
	}
	families, text := gather(t, source(l, full(2)))
	for name, want := range map[string]float64{
		"webchasor_requests_total 2xx,1":                2,
		"webchasor_requests_total 5xx,1":                0,
		"webchasor_requests_total 4xx,0":                0,
		"webchasor_requests_lost_total 1":               2,
		"webchasor_worker_exits_total panic,1":          1,
		"webchasor_worker_exits_total panic,0":          0,
		"webchasor_worker_cpu_seconds_total 1":          1.5,
		"webchasor_request_duration_seconds 2xx,/chat":  2,
		"webchasor_request_duration_seconds 4xx,other":  1,
		"webchasor_worker_connections 1":                6, // the draining one's too
		"webchasor_worker_memory_bytes 1":               2 << 20,
		"webchasor_worker_state 1,ready":                1,
		"webchasor_worker_state 1,draining":             0,
		"webchasor_listen_queue_depth 127.0.0.1:1":      3,
		"webchasor_limit_waiting llm":                   1,
		"webchasor_master_responsive ":                  1,
		"webchasor_health ok":                           1,
		"webchasor_response_bytes_total 1":              30,
		"webchasor_connections_accepted_total 0":        0,
		"webchasor_connections_taken_over_total 1":      0,
		"webchasor_worker_requests_in_flight 1":         3,
		"webchasor_reloads_total done":                  0,
		"webchasor_workers_wanted ":                     2,
		"webchasor_request_timeouts_total 1":            0,
		"webchasor_listen_queue_limit 127.0.0.1:1":      10,
		"webchasor_listen_queue_deepest 127.0.0.1:1":    2,
		"webchasor_worker_oldest_request_seconds 0":     0,
		"webchasor_worker_heartbeat_age_seconds 0":      0,
		"webchasor_upgrades_total undone":               0,
		"webchasor_handler_panics_total 0":              0,
		"webchasor_limit_in_use llm":                    2,
		"webchasor_poisoned_shapes false":               2,
		"webchasor_poisoned_shapes true":                1,
		"webchasor_phase serving":                       1,
		"webchasor_upstream_requests_total a":           2,
		"webchasor_upstream_failures_total a":           1,
		"webchasor_upstream_limited_total a":            0,
		"webchasor_upstream_retries_total a":            1,
		"webchasor_upstream_ejections_total a":          0,
		"webchasor_upstream_answers_total a":            1,
		"webchasor_upstream_first_byte_seconds_total a": 2.5,
		"webchasor_upstream_requests_total idle":        0, // there before the first
		"webchasor_upstream_requests_in_flight a":       7,
		"webchasor_upstream_workers a":                  4,
		"webchasor_upstream_workers_ejected a":          1,

		"webchasor_certificate_begin_timestamp_seconds a.crt,a.test":        1000,
		"webchasor_certificate_expiry_timestamp_seconds a.crt,a.test":       2000,
		"webchasor_certificate_expiry_timestamp_seconds b\uFFFD.crt,b.test": 3000,
	} {
		metric, labels, _ := strings.Cut(name, " ")
		var list []string
		if labels != "" {
			list = strings.Split(labels, ",")
		}
		if got := value(t, families, metric, list...); got != want {
			t.Errorf("%s is %g, want %g", name, got, want)
		}
	}
	if strings.Contains(text, "unix:/x") {
		t.Error("a queue that cannot be asked is shown")
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
	if regexp.MustCompile(`pid="`).MatchString(text) {
		t.Error("a series is per process")
	}
}

// The native histogram has to add up the way that Prometheus checks it.
func TestNativeHistogramAddsUp(t *testing.T) {
	l := newLedger(t)
	s := slotOf(t, l, 0)
	want := map[int]uint64{}
	for d := time.Microsecond; d < time.Hour; d = d*3/2 + 1 {
		s.Request(0, 200, 0, d)
		want[int(math.Ceil(math.Log2(d.Seconds())*8-1e-9))]++
	}
	raw, err := collector{source(l, full(1))}.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var h *dto.Histogram
	for _, f := range raw {
		if f.GetName() == "webchasor_request_duration_seconds" {
			h = f.GetMetric()[0].GetHistogram()
		}
	}
	total, at, n, next := h.GetZeroCount(), int32(0), int64(0), 0
	for _, span := range h.GetPositiveSpan() {
		at += span.GetOffset()
		for range span.GetLength() {
			n += h.GetPositiveDelta()[next]
			next++
			total += uint64(n)
			if want[int(at)] != uint64(n) {
				t.Errorf("bucket %d has %d, want %d", at, n, want[int(at)])
			}
			at++
		}
	}
	if total != h.GetSampleCount() || next != len(h.GetPositiveDelta()) || h.GetSchema() != 3 {
		t.Errorf("%d in buckets of %d, %d deltas of %d", total, h.GetSampleCount(), next, len(h.GetPositiveDelta()))
	}
	if b := h.GetBucket(); b[len(b)-1].GetCumulativeCount() != total || b[0].GetUpperBound() != 0.001 {
		t.Errorf("classic buckets: %v", b)
	}
}

// A worker that was not weighed yet has no weight, which is not none.
func TestUnknownMemoryIsLeftOut(t *testing.T) {
	l := newLedger(t)
	src := source(l, full(3))
	weights := map[int]int64{100: 7 << 20}
	src.Memory = func(pid int) int64 { return weights[pid] }
	has := func() string {
		families, _ := gather(t, src)
		var slots []string
		for _, m := range families["webchasor_worker_memory_bytes"].GetMetric() {
			slots = append(slots, m.GetLabel()[0].GetValue()+fmt.Sprintf("=%g", m.GetGauge().GetValue()/(1<<20)))
		}
		return strings.Join(slots, " ")
	}
	if got := has(); got != "0=7" {
		t.Errorf("with one of three weighed there are %q", got)
	}
	weights[102] = 5 << 20 // one of the two workers of the last slot
	if got := has(); got != "0=7" {
		t.Errorf("half a slot is shown: %q", got)
	}
	weights[99] = 4 << 20
	if got := has(); got != "0=7 2=9" {
		t.Errorf("with a whole slot there are %q", got)
	}
}

// A new worker is weighed at the next look, the others when it is their turn.
func TestNewWorkersAreWeighedSoon(t *testing.T) {
	weighed := map[int]int{}
	s := &Sampler{Weigh: func(pid int) int64 { weighed[pid]++; return 1 }}
	booting := control.Worker{PID: 2, State: control.StateBooting}
	workers := []control.Worker{{PID: 1, State: control.StateReady}, booting, {State: control.StateAbsent}}
	s.weigh(workers, true)
	if s.strange(workers) || weighed[1] != 1 || weighed[2] != 0 {
		t.Errorf("at first %v", weighed)
	}
	workers[1].State = control.StateReady
	if !s.strange(workers) {
		t.Error("the worker that got ready is not noticed")
	}
	s.weigh(workers, false)
	if s.strange(workers) || weighed[1] != 1 || weighed[2] != 1 || s.Memory(1) != 1 || s.Memory(2) != 1 {
		t.Errorf("then %v", weighed)
	}
}

// A master that hangs still has its workers' counters to show.
func TestCountersWithoutAMaster(t *testing.T) {
	l := newLedger(t)
	slotOf(t, l, 0).Request(0, 200, 0, time.Second)
	src := source(l, control.Status{})
	src.Status = func(context.Context) (control.Status, error) { return control.Status{}, errors.New("it hangs") }
	families, _ := gather(t, src)
	if value(t, families, "webchasor_requests_total", "2xx", "0") != 1 || value(t, families, "webchasor_master_responsive") != 0 {
		t.Error("the counters depend on the master")
	}
	if families["webchasor_workers_ready"] != nil {
		t.Error("gauges are made up")
	}
}

// Every metric is documented, and only those.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, d := range descs {
		n := d.name
		known[n] = true
		if !strings.Contains(string(text), "`"+n+"`") && !strings.Contains(string(text), "`"+n+"{") {
			t.Errorf("docs/metrics.md does not explain %s", n)
		}
	}
	checkNames(t, "docs/metrics.md", string(text), known)
}

// checkNames fails for every name of a metric in text that there is not.
func checkNames(t *testing.T, where, text string, known map[string]bool) {
	t.Helper()
	for _, found := range regexp.MustCompile(`\bwebchasor_[a-z_]+`).FindAllString(text, -1) {
		base := found
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			base = strings.TrimSuffix(base, suffix)
		}
		if !known[base] && !known[found] {
			t.Errorf("%s names %s, which does not exist", where, found)
		}
	}
}

// What configs/ asks for exists.
func TestConfigsNameMetricsThatExist(t *testing.T) {
	known := map[string]bool{}
	for _, d := range descs {
		known[d.name] = true
	}
	// Recorded ones are named instance:webchasor_...:...
	recorded := regexp.MustCompile(`instance:webchasor_\w+:\w+`)
	for _, file := range []string{"../../configs/prometheus-rules.yml", "../../configs/grafana-dashboard.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rest := recorded.ReplaceAllString(string(text), "")
		if !strings.Contains(rest, "webchasor_") {
			t.Errorf("%s names no metric", file)
		}
		checkNames(t, file, rest, known)
	}
}

// The dashboard for Grafana is JSON that Grafana takes: panels with a place, a
// type and queries, each panel with an id of its own.
func TestGrafanaDashboard(t *testing.T) {
	text, err := os.ReadFile("../../configs/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title         string
		UID           string
		SchemaVersion int
		Panels        []struct {
			ID          int
			Title, Type string
			GridPos     struct{ H, W, X, Y int }
			Targets     []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	if board.Title == "" || board.UID == "" || board.SchemaVersion == 0 || len(board.Panels) == 0 {
		t.Errorf("title %q, uid %q, schema %d, %d panels", board.Title, board.UID, board.SchemaVersion, len(board.Panels))
	}
	seen := map[int]bool{}
	for _, p := range board.Panels {
		if p.Title == "" || p.Type == "" || p.GridPos.H <= 0 || p.GridPos.W <= 0 || p.GridPos.X+p.GridPos.W > 24 || seen[p.ID] {
			t.Errorf("panel %d %q: type %q, place %+v, id seen before: %v", p.ID, p.Title, p.Type, p.GridPos, seen[p.ID])
		}
		seen[p.ID] = true
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, q := range p.Targets {
			if q.Expr == "" || q.RefID == "" {
				t.Errorf("panel %q has the query %+v", p.Title, q)
			}
		}
	}
}

func BenchmarkScrape64Workers(b *testing.B) {
	l := newLedger(b)
	l.AddRoutes([]string{"/a", "/b", "/c", "/d"})
	l.AddCauses([]string{"c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12", "c13", "c14", "c15", "c16", "c17", "c18", "c19", "c20"})
	for i := range 64 {
		for route := range 5 {
			for class := 200; class <= 500; class += 100 {
				slotOf(b, l, i).Request(uint8(route), class, 1, time.Duration(i+1)*time.Millisecond)
			}
		}
	}
	h := Handler(source(l, full(64)))
	ask := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	ask.Header.Set("Accept-Encoding", "gzip")
	for b.Loop() {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, ask)
		b.SetBytes(int64(answer.Body.Len()))
	}
}
