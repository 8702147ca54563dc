package main

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/webchasor/webchasor/internal/testproc"
)

// adminOf waits for the admin address.
func adminOf(t *testing.T, p *testproc.Process, from int) string {
	t.Helper()
	return p.WaitLog(from, testproc.Msg("admin address"), "the admin address").Str("address")
}

// ask makes one request on a connection of its own, and returns status and body.
func askAdmin(t *testing.T, method, addr, path, token, body string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, string(data)
}

// scrape is all series by name and labels, as the official parser reads them. Of
// a histogram it is the number of observations, and every bucket.
func scrape(t *testing.T, addr string) map[string]float64 {
	t.Helper()
	status, text := askAdmin(t, http.MethodGet, addr, "/metrics", "", "")
	if status != http.StatusOK {
		t.Fatalf("/metrics: %d %s", status, text)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatalf("/metrics is malformed: %v", err)
	}
	all := map[string]float64{}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			key := name
			for _, l := range m.GetLabel() {
				key += " " + l.GetName() + "=" + l.GetValue()
			}
			if h := m.GetHistogram(); h != nil {
				all[key+" count_total"] = float64(h.GetSampleCount())
				for _, b := range h.GetBucket() {
					all[key+" le="+strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)+"_total"] = float64(b.GetCumulativeCount())
				}
			} else {
				all[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return all
}

// counters are the series that may only grow.
func counters(all map[string]float64) map[string]float64 {
	grow := maps.Clone(all)
	maps.DeleteFunc(grow, func(k string, _ float64) bool { return !strings.Contains(k, "_total") })
	return grow
}

// expectGrown fails the test for every counter that fell or went away.
func expectGrown(t *testing.T, what string, before, now map[string]float64) {
	t.Helper()
	for name, was := range counters(before) {
		if is, ok := now[name]; !ok || is < was {
			t.Errorf("%s: %s was %g and is %g (there: %v)", what, name, was, is, ok)
		}
	}
}

// sum adds up the series of a metric that have all these labels.
func sum(all map[string]float64, metric string, labels ...string) (total float64) {
	for name, v := range all {
		words := strings.Fields(name)
		if words[0] == metric && !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(words, l) }) {
			total += v
		}
	}
	return total
}

// answered is how many requests the metrics know of.
func answered(all map[string]float64) float64 {
	return sum(all, "webchasor_requests_total", "class=2xx")
}

// TestCountersOnlyGrow: recycles, a kill -9, a reload and two upgrades under
// load; no counter ever falls, and in the end every request has been counted.
func TestCountersOnlyGrow(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, testproc.Options{Env: []string{
		"ADMIN_BIND=0", "WEB_WORKERS=2", "MAX_REQUESTS=150", "RECYCLE_INTERVAL=0.2",
	}})
	admin, addr := adminOf(t, p, 0), p.Up()
	load := testproc.StartLoad(t, testproc.Load{Addr: addr, Busy: 2, Connecting: 2, Pace: 5 * time.Millisecond})
	last := scrape(t, admin)
	watch := func(what string, done func(all map[string]float64) bool) {
		t.Helper()
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
			now := scrape(t, admin)
			expectGrown(t, what, last, now)
			last = now
			return done(now)
		}, what)
	}
	exits := func(cause string) func(map[string]float64) bool {
		return func(all map[string]float64) bool { return sum(all, "webchasor_worker_exits_total", "cause="+cause) > 0 }
	}
	watch("a worker is recycled", exits("recycle"))
	p.SignalPID(p.WaitWorkers(2)[0], syscall.SIGKILL)
	watch("a worker is killed", exits("outside-signal"))
	p.WaitWorkers(2)
	mark := p.Log.Mark()
	p.Signal(syscall.SIGHUP)
	watch("a reload", func(all map[string]float64) bool { return sum(all, "webchasor_reloads_total", "outcome=done") == 1 })
	p.WaitLog(mark, testproc.Msg("reloaded"), "the reload commits")
	before := answered(last)
	master := upgrade(t, p, p.PID())
	watch("an upgrade", func(all map[string]float64) bool {
		return sum(all, "webchasor_upgrades_total", "outcome=done") == 1 && answered(all) > before
	})
	master = upgrade(t, p, master)
	watch("a second one", func(all map[string]float64) bool { return sum(all, "webchasor_upgrades_total", "outcome=done") == 2 })
	report := load.Stop()
	// What was under way in the killed worker is the only thing that may be missing: one
	// request of each of the load's four connections may have been answered and not counted.
	wanted := float64(report.Outcomes[testproc.OK] - 4)
	watch("every request is counted", func(all map[string]float64) bool { return answered(all) >= wanted })
	if got := answered(last); got > float64(report.Requests) {
		t.Errorf("%g requests are counted, %d were made", got, report.Requests)
	}
	if got := sum(last, "webchasor_request_duration_seconds", "route=other", "class=2xx", "count_total"); got != answered(last) {
		t.Errorf("%g durations of %g requests", got, answered(last))
	}
	if sum(last, "webchasor_worker_cpu_seconds_total") == 0 {
		t.Error("no processor time is counted")
	}
	stopOrphan(t, p, master)
}

// TestAdminWhileEveryWorkerHangs: metrics, probes and status come from the
// master; a worker that is stopped cannot keep them.
func TestAdminWhileEveryWorkerHangs(t *testing.T) {
	t.Parallel()
	p := start(t, "ADMIN_BIND=0", "WEB_WORKERS=2")
	admin, addr := adminOf(t, p, 0), p.Up()
	client := testproc.Client{Addr: addr}
	expectOK(t, client.Get("/pid"))
	if status, text := askAdmin(t, http.MethodGet, admin, "/readyz", "", ""); status != http.StatusOK {
		t.Errorf("/readyz: %d %s", status, text)
	}
	for _, pid := range p.WaitWorkers(2) {
		p.Freeze(pid)
	}
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		status, text := askAdmin(t, http.MethodGet, admin, "/readyz", "", "")
		return status == http.StatusServiceUnavailable && strings.Contains(text, "no ready worker gives a sign of life")
	}, "/readyz says that every worker hangs")
	if status, text := askAdmin(t, http.MethodGet, admin, "/livez", "", ""); status != http.StatusOK {
		t.Errorf("/livez: %d %s", status, text)
	}
	all := scrape(t, admin)
	if answered(all) != 1 || all["webchasor_health state=down"] != 1 || all["webchasor_worker_heartbeat_age_seconds slot=0"] < 0.4 {
		t.Errorf("metrics of hung workers: %g requests, down %g, heartbeat %g", answered(all),
			all["webchasor_health state=down"], all["webchasor_worker_heartbeat_age_seconds slot=0"])
	}
	for _, pid := range p.WorkerPIDs() {
		p.SignalPID(pid, syscall.SIGCONT)
	}
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		status, _ := askAdmin(t, http.MethodGet, admin, "/readyz", "", "")
		return status == http.StatusOK
	}, "/readyz recovers")
	p.Stop(0)
}

// TestAdminActionsNeedTheToken: reading is free, changing is not.
func TestAdminActionsNeedTheToken(t *testing.T) {
	t.Parallel()
	p := start(t, "ADMIN_BIND=0", "ADMIN_TOKEN=open-sesame", "ADMIN_HOSTS=app0.example.com, app1.example.com", "WEB_WORKERS=1", setupEnv+"=none")
	admin := adminOf(t, p, 0)
	p.Up()
	for _, path := range []string{"/", "/dashboard.js", "/dashboard.css", "/api/v1/status", "/api/v1/requests", "/api/v1/events"} {
		if status, text := askAdmin(t, http.MethodGet, admin, path, "", ""); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	const scale = `{"workers": 2}`
	for _, token := range []string{"", "wrong", "open-sesam"} {
		if status, _ := askAdmin(t, http.MethodPost, admin, "/api/v1/scale", token, scale); status != http.StatusUnauthorized {
			t.Errorf("token %q: %d", token, status)
		}
		if status, _ := askAdmin(t, http.MethodGet, admin, "/api/v1/workers/0/stacks", token, ""); status != http.StatusUnauthorized {
			t.Errorf("stacks with token %q: %d", token, status)
		}
	}
	if status, text := askAdmin(t, http.MethodPost, admin, "/api/v1/scale", "open-sesame", scale); status != http.StatusOK {
		t.Errorf("with the token: %d %s", status, text)
	}
	workers := p.WaitWorkers(2)
	if _, text := askAdmin(t, http.MethodGet, admin, "/api/v1/status", "", ""); strings.Contains(text, "open-sesame") {
		t.Error("status shows the token")
	}
	// The application has the settings in its memory, its children its environment.
	for _, pid := range workers {
		if value, there := testproc.Environ(pid, "ADMIN_TOKEN"); there {
			t.Errorf("worker %d has the token %q in its environment", pid, value)
		}
	}
	for host, want := range map[string]int{"evil.example.com": http.StatusMisdirectedRequest, "app1.example.com": http.StatusOK} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+admin+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("the host %s is answered with %d, want %d", host, resp.StatusCode, want)
		}
	}
	p.Stop(0)
}

// TestAdminIsOffByDefault: nobody listens where nobody asked for it, and without a
// token nothing can be changed.
func TestAdminIsOffByDefault(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1")
	p.Up()
	wantNoLine(t, p, 0, testproc.Msg("admin address"), "the admin address is open")
	p.Stop(0)

	file := "admin:\n  bind: 0\n"
	q := startWith(t, testproc.Options{App: appFastHTTP, Env: []string{"WEB_WORKERS=1"}, Config: file})
	admin := adminOf(t, q, 0)
	q.Up()
	if status, text := askAdmin(t, http.MethodPost, admin, "/api/v1/reload", "anything", ""); status != http.StatusForbidden || !strings.Contains(text, "ADMIN_TOKEN") {
		t.Errorf("a reload without a token set: %d %s", status, text)
	}
	q.Stop(0)
}
