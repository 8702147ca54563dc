package main

import (
	"maps"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// TestUpstreamsAreWatched: what workers ask of their upstreams and think of them is
// in the metrics and in the status; the counters outlive workers, reloads and upgrades.
func TestUpstreamsAreWatched(t *testing.T) {
	t.Parallel()
	up, err := upstreamtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	config := "providers:\n  openai:\n    upstreams:\n    - {name: one, base_url: " + up.URL() + ", models: [m]}\n"
	dir := t.TempDir()
	socket := dir + "/control.sock"
	p := startWith(t, testproc.Options{App: appAPI, Dir: dir, Config: config, Env: []string{
		"WEB_WORKERS=1", "OPENAI_RETRIES=0", "OPENAI_EJECT_AFTER=2", "OPENAI_EJECTION_TIME=1h",
		"ADMIN_BIND=127.0.0.1:0", "CONTROL_SOCKET=" + socket,
	}})
	addr := p.Up()
	admin := adminOf(t, p, 0)
	client := testproc.Client{Addr: addr, Fresh: true}
	ask := func(status int) {
		t.Helper()
		res := client.Post(chatPath, `{"model":"m","messages":[{"role":"user","content":"x"}]}`)
		if res.Err != nil || res.Status != status {
			t.Fatalf("status %d, %v; want %d", res.Status, res.Err, status)
		}
	}
	expect := func(what string, want map[string]float64) {
		t.Helper()
		got := map[string]float64{}
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
			clear(got)
			for name, v := range scrape(t, admin) {
				for of := range want {
					if strings.HasPrefix(name, "webchasor_upstream_"+of) && strings.Contains(name, "one") {
						got[of] = v
					}
				}
			}
			return maps.Equal(got, want)
		}, what)
	}
	ask(http.StatusOK)
	up.Answer(upstreamtest.Answer{Status: http.StatusInternalServerError})
	ask(http.StatusInternalServerError)
	ask(http.StatusInternalServerError)
	want := map[string]float64{
		"requests_total": 3, "failures_total": 2, "ejections_total": 1, "answers_total": 3,
		"workers_ejected": 1, "requests_in_flight": 0,
	}
	expect("the metrics show the ejection", want)
	s, err := control.New(socket).Status(t.Context())
	if err != nil || len(s.Upstreams) != 1 || s.Upstreams[0].Name != "one" || s.Upstreams[0].Ejected != 1 || s.Upstreams[0].Back <= 0 {
		t.Errorf("the status has %+v, %v", s.Upstreams, err)
	}
	// Its successor thinks well of it, and goes on counting.
	pids := p.WaitWorkers(1)
	p.SignalPID(pids[0], syscall.SIGKILL)
	pids = p.WaitReplaced(pids, 1)
	want["workers_ejected"] = 0
	expect("the counters outlive a worker", want)
	p.WriteFile("webchasor.yaml", config+"    - {name: two, base_url: "+up.URL()+", models: [n]}\n")
	p.Signal(syscall.SIGHUP)
	pids = p.WaitReplaced(pids, 1)
	if s, err = control.New(socket).Status(t.Context()); err != nil || len(s.Upstreams) != 2 || s.Upstreams[1].Name != "two" {
		t.Errorf("after a reload the status has %+v, %v", s.Upstreams, err)
	}
	up.Answer(upstreamtest.Answer{})
	ask(http.StatusOK)
	want["requests_total"], want["answers_total"] = 4, 4
	expect("the counters outlive a reload", want)
	mark := p.Log.Mark()
	upgrade(t, p, p.PID())
	p.WaitReplaced(pids, 1)
	admin = adminOf(t, p, mark)
	ask(http.StatusOK)
	want["requests_total"], want["answers_total"] = 5, 5
	expect("the counters outlive an upgrade", want)
}
