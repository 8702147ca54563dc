package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
	"github.com/webchasor/webchasor/internal/testproc"
)

func fresh(addr, path string) testproc.Result {
	client := testproc.Client{Addr: addr, Fresh: true}
	return client.Get(path)
}

// notReady waits until a worker says that the service leaves.
func notReady(t *testing.T, addr string) {
	t.Helper()
	testproc.Eventually(t, testproc.Patience, testproc.Every,
		func() bool { return fresh(addr, "/ready").Status == 503 }, "/ready turns 503")
}

// TestLameDuckServesOn: between TERM and the drain every worker says that it
// is not ready, and answers all the same, also on new connections.
func TestLameDuckServesOn(t *testing.T) {
	t.Parallel()
	p := startWith(t, testproc.Options{App: appAPI, Env: []string{"WEB_WORKERS=2", "LAME_DUCK=300"}})
	addr := p.Up()
	if res := fresh(addr, "/ready"); res.Status != 200 {
		t.Fatalf("before: %v", res)
	}
	mark := p.Log.Mark()
	p.Signal(syscall.SIGTERM)
	notReady(t, addr)
	// Long enough for the master to look twice at what a stop has to do, and for
	// the kernel to choose either worker.
	for begin := time.Now(); time.Since(begin) < 700*time.Millisecond; testproc.Pause(testproc.Every, nil) {
		ready, models := fresh(addr, "/ready"), fresh(addr, "/v1/models")
		if ready.Status != 503 || ready.Header.Get("Retry-After") == "" || models.Status != 200 {
			t.Fatalf("in the delay: /ready %v, /v1/models %v", ready, models)
		}
	}
	p.Signal(syscall.SIGTERM)
	p.ExpectExit(0)
	wantNoLine(t, p, mark, testproc.Level("error"), "a stop is no error")
}

// TestLameDuckEnds: the drain begins by itself, and not before its time.
func TestLameDuckEnds(t *testing.T) {
	t.Parallel()
	const delay = time.Second
	p := startWith(t, testproc.Options{App: appAPI, Env: []string{"WEB_WORKERS=2", "LAME_DUCK=1"}})
	addr := p.Up()
	begin := time.Now()
	p.Signal(syscall.SIGTERM)
	p.ExpectExit(0)
	if took := time.Since(begin); took < delay {
		t.Errorf("left after %v, which is before lame_duck = %v", took, delay)
	}
	if !testproc.Refuses("tcp", addr) {
		t.Error("the port still answers")
	}
}

// TestLameDuckIsCutShort: nobody who is in a hurry has to wait for it.
func TestLameDuckIsCutShort(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			p := startWith(t, testproc.Options{App: appAPI, Env: []string{"WEB_WORKERS=2", "LAME_DUCK=300"}})
			addr := p.Up()
			p.Signal(syscall.SIGTERM)
			notReady(t, addr)
			p.Signal(sig)
			p.ExpectExit(0)
			if !testproc.Refuses("tcp", addr) {
				t.Error("the port still answers")
			}
		})
	}
}

// TestLameDuckIsForStopsOnly: workers that are only replaced, and a quick stop, have no delay.
func TestLameDuckIsForStopsOnly(t *testing.T) {
	t.Parallel()
	p := startWith(t, testproc.Options{App: appAPI, Env: []string{"WEB_WORKERS=2", "LAME_DUCK=300"}})
	addr := p.Up()
	old := p.WaitWorkers(2)
	p.Signal(syscall.SIGHUP)
	p.WaitReplaced(old, 2)
	if res := fresh(addr, "/ready"); res.Status != 200 {
		t.Errorf("after a reload: %v", res)
	}
	p.Signal(syscall.SIGINT)
	p.ExpectExit(0)
}

// TestHealthCountsWorkers: any worker knows how many of them are ready.
func TestHealthCountsWorkers(t *testing.T) {
	t.Parallel()
	up, err := upstreamtest.StartTLS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	ca := t.TempDir() + "/ca.pem"
	if err := os.WriteFile(ca, up.CertificatePEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startWith(t, testproc.Options{
		App: appAPI, Env: []string{"WEB_WORKERS=2", "WATCH=false"},
		Config: "providers:\n  openai:\n    upstreams:\n    - {name: one, base_url: " + up.URL() + ", ca_file: " + ca + "}\n",
	})
	addr := p.Up()
	says := func(counts string) {
		t.Helper()
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
			res := fresh(addr, "/health")
			return res.Status == 200 && strings.Contains(res.Body, counts)
		}, "/health says "+counts)
	}
	says(`"workers_ready":2,"workers":2`)
	p.Signal(syscall.SIGTTIN)
	says(`"workers_ready":3,"workers":3`)
	p.Signal(syscall.SIGTTOU)
	says(`"workers_ready":2,"workers":2`)
	// A worker without its upstream's certificate does not get ready.
	if err := os.Rename(ca, ca+".away"); err != nil {
		t.Fatal(err)
	}
	p.SignalPID(p.WaitWorkers(2)[0], syscall.SIGKILL)
	says(`"workers_ready":1,"workers":2`)
	if err := os.Rename(ca+".away", ca); err != nil {
		t.Fatal(err)
	}
	says(`"workers_ready":2,"workers":2`)
	p.Stop(0)
}
