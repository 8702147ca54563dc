package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// socketOf is where a test's service has its control socket.
func socketOf(p *testproc.Process) string { return p.Path("state", "control.sock") }

// ctl runs the program's command line against a service.
func ctl(t *testing.T, p *testproc.Process, args ...string) (out, errs string, code int) {
	t.Helper()
	return ctlIn(t, p, []string{"STATE_DIRECTORY=" + p.Path("state")}, args...)
}

func ctlIn(t *testing.T, p *testproc.Process, env []string, args ...string) (out, errs string, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*testproc.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Dir = p.Dir
	cmd.Env = append([]string{testproc.AppEnv + "=" + appFastHTTP, "PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0"}, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// must runs a command that has to succeed and returns what it printed.
func must(t *testing.T, p *testproc.Process, args ...string) string {
	t.Helper()
	out, errs, code := ctl(t, p, args...)
	if code != 0 {
		t.Fatalf("%q ended with %d: %s%s", args, code, out, errs)
	}
	return out
}

// mustJSON is must with --json, decoded.
func mustJSON[T any](t *testing.T, p *testproc.Process, args ...string) (v T) {
	t.Helper()
	out := must(t, p, append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%q printed no JSON: %v: %s", args, err, out)
	}
	return v
}

// refuses runs a command that has to fail with status 1, and say why.
func refuses(t *testing.T, p *testproc.Process, why string, args ...string) {
	t.Helper()
	out, errs, code := ctl(t, p, args...)
	if code != 1 || !strings.Contains(errs, why) {
		t.Errorf("%q ended with %d and %q, want 1 and %q (%s)", args, code, errs, why, out)
	}
}

func wants(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

// hold makes a request that is under way until it is released: its handler
// ends when the client is gone.
func hold(t *testing.T, p *testproc.Process, addr string) (release func()) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET /wait?ms=600000&touch=held HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	begun(t, p, "held")
	return func() { _ = conn.Close() }
}

func TestControlShowsTheService(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	release := hold(t, p, addr)

	s := mustJSON[control.Status](t, p, "status")
	if s.PID != p.PID() || s.Wanted != 2 || s.Ready != 2 || s.Health.State != "ok" || s.Phase != "serving" || len(s.Workers) != 2 || len(s.Listeners) != 1 {
		t.Errorf("status %+v", s)
	}
	for i, w := range s.Workers {
		if w.Slot != i || w.State != "ready" || w.PID == 0 || w.Age <= 0 || w.PSS <= 0 || w.Capacity == 0 {
			t.Errorf("worker %+v", w)
		}
	}
	if s.Totals.InFlight != 1 {
		t.Errorf("%d in flight, want the sleeping one", s.Totals.InFlight)
	}
	wants(t, must(t, p, "status"), "OK, serving", "workers 2 of 2 ready", "SLOT")

	r := mustJSON[control.Requests](t, p, "requests")
	if len(r.Requests) != 1 || r.Requests[0].Path != "/wait" || r.Requests[0].Method != "GET" || r.Requests[0].Age <= 0 {
		t.Errorf("requests %+v", r)
	}
	wants(t, must(t, p, "requests"), "GET /wait", "127.0.0.1")
	wants(t, must(t, p, "stacks"), "goroutines in", "testHandler", "slot 0", "slot 1")
	must(t, p, "profile", "0", "heap", "-o", "heap.pprof")
	if !exists(p.Path("heap.pprof")) || exists(p.Path("heap.pprof.part")) {
		t.Error("the profile is not there as a whole")
	}
	refuses(t, p, "there are cpu, heap", "profile", "0", "nonsense", "-o", "none")
	refuses(t, p, "slot", "profile", "9", "heap", "-o", "none")
	if exists(p.Path("none.part")) {
		t.Error("a failed profile leaves a file")
	}
	release()

	wants(t, must(t, p, "health"), "ok")
	wants(t, must(t, p, "events"), "is ready", "all 2 workers are ready")
	if all, later := must(t, p, "events"), must(t, p, "events", "--since", "1"); len(later) >= len(all) {
		t.Errorf("events after the first one are all events:\n%s", later)
	}
	wants(t, must(t, p, "deaths"), "no worker has died")
	p.Stop(0)
	if exists(socketOf(p)) {
		t.Error("the socket is left after the stop")
	}
	if _, errs, code := ctl(t, p, "status"); code != 3 {
		t.Errorf("status without a master ends with %d, want 3: %s", code, errs)
	}
	if _, errs, code := ctl(t, p, "health"); code != 1 {
		t.Errorf("health without a master ends with %d, want 1: %s", code, errs)
	}
}

func TestControlSteersTheService(t *testing.T) {
	t.Parallel()
	p := startWith(t, testproc.Options{App: appFastHTTP, Config: "server:\n  keepalive: 3\n", Env: []string{"KEEPALIVE"}})
	p.Up()
	before := p.WorkerPIDs()

	must(t, p, "scale", "+1", "--wait")
	if s := mustJSON[control.Status](t, p, "status"); s.Ready != 3 {
		t.Errorf("%d ready after scale +1 --wait, want 3", s.Ready)
	}
	must(t, p, "scale", "2", "--wait")
	must(t, p, "recycle", "0", "--wait")
	must(t, p, "recycle", "all", "--wait")
	disjoint(t, before, p.WorkerPIDs())
	refuses(t, p, "one is the least", "scale", "-9")
	refuses(t, p, "no such slot", "recycle", "77")
	refuses(t, p, "cannot scale", "scale", "many")

	p.WriteFile("webchasor.yaml", "server:\n  keepalive: 4\n  backlog: 99\n  accept: shared\n")
	plan := mustJSON[control.Plan](t, p, "reload", "--dry-run")
	classes := map[string]string{}
	for _, c := range plan.Changes {
		classes[c.Name] = c.Class
	}
	if classes["keepalive"] != "rolling" || classes["backlog"] != "hot" || classes["accept"] != "upgrade" || len(classes) != 3 {
		t.Errorf("the plan is %+v", plan)
	}
	if got := settingOf(t, p, "keepalive"); got != "3s" {
		t.Errorf("keepalive is %s after a dry run", got)
	}
	r := mustJSON[control.Result](t, p, "reload", "--wait")
	if r.Outcome != "done" || r.Generation != 2 || len(r.Changes) != 3 {
		t.Errorf("the reload ended as %+v", r)
	}
	if got := settingOf(t, p, "keepalive"); got != "4s" {
		t.Errorf("keepalive is %s after the reload", got)
	}
	wants(t, must(t, p, "status"), "accept = shared waits for an upgrade")

	must(t, p, "rollback", "--wait")
	if got := settingOf(t, p, "keepalive"); got != "3s" {
		t.Errorf("keepalive is %s after the rollback, want that before the reload", got)
	}
	must(t, p, "rollback", "--wait")
	if got := settingOf(t, p, "keepalive"); got != "4s" {
		t.Errorf("keepalive is %s after going back twice", got)
	}

	p.WriteFile("webchasor.yaml", "server:\n  keepalive: never\n")
	refuses(t, p, "keepalive", "reload", "--dry-run")
	refuses(t, p, "keepalive", "reload", "--wait")
	wants(t, must(t, p, "status"), "the last reload was rejected")

	wants(t, must(t, p, "log-level", "debug"), "from info to debug")
	refuses(t, p, "choose debug", "log-level", "loud")
	must(t, p, "drain", "--wait")
	if out, _, code := ctl(t, p, "health"); code != 1 || !strings.Contains(out, "down") {
		t.Errorf("health of a drained service: %d %s", code, out)
	}
	must(t, p, "scale", "2", "--wait")
	wants(t, must(t, p, "health", "--strict"), "ok")
	p.Stop(0)
}

func settingOf(t *testing.T, p *testproc.Process, name string) string {
	t.Helper()
	for _, s := range mustJSON[control.Status](t, p, "status").Settings {
		if s.Name == name {
			return s.Value
		}
	}
	t.Fatalf("status has no setting %s", name)
	return ""
}

// The master asks no worker, so it answers when none of them can.
func TestControlAnswersWhileAllWorkersHang(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_TIMEOUT=0")
	addr := p.Up()
	release := hold(t, p, addr)
	stopped := p.WorkerPIDs()
	for _, pid := range stopped {
		p.Freeze(pid)
	}
	client := control.New(socketOf(p))
	testproc.Eventually(t, testproc.Patience, 20*testproc.Every, func() bool {
		h, err := client.Health(t.Context())
		return err == nil && h.State == "down"
	}, "health is down")
	s := mustJSON[control.Status](t, p, "status")
	for _, w := range s.Workers {
		if w.State != "suspect" || w.Heartbeat < 0.5 {
			t.Errorf("a stopped worker is %s, its heartbeat %vs old", w.State, w.Heartbeat)
		}
	}
	wants(t, must(t, p, "requests"), "GET /wait")
	wants(t, must(t, p, "events"), "suspect")
	refuses(t, p, "stopped", "stacks", "0")
	for _, pid := range stopped {
		p.SignalPID(pid, syscall.SIGCONT)
	}
	testproc.Eventually(t, testproc.Patience, 20*testproc.Every, func() bool {
		h, err := client.Health(t.Context())
		return err == nil && h.State == "ok"
	}, "health is ok again")
	release()
	p.Stop(0)
}

func TestControlTellsOfDeaths(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	client := control.New(socketOf(p))
	told := make(chan control.Event, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 3*testproc.Patience)
	defer cancel()
	go func() {
		_ = client.Follow(ctx, 0, func(e control.Event) error {
			if e.Kind == "death" {
				told <- e
				return context.Canceled
			}
			return nil
		})
	}()
	<-background(addr, "/exit?code=7")
	var e control.Event
	select {
	case e = <-told:
	case <-ctx.Done():
		t.Fatal("no event tells of the death")
	}
	if e.Death == "" || e.Slot == nil || e.PID == 0 {
		t.Errorf("the event is %+v", e)
	}
	wants(t, must(t, p, "deaths"), e.Death, "/exit")
	wants(t, must(t, p, "deaths", "show", e.Death), "exit", "/exit")
	wants(t, must(t, p, "deaths", "show"), "/exit")
	d := mustJSON[control.DeathRecord](t, p, "deaths", "show", e.Death)
	if d.ID != e.Death || d.ExitCode != 7 || d.Lost != 1 || len(d.Record) == 0 {
		t.Errorf("the record is %+v", d.Death)
	}
	refuses(t, p, "no such record", "deaths", "show", "nobody")
	testproc.Eventually(t, testproc.Patience, 20*testproc.Every, func() bool {
		s, err := client.Status(t.Context())
		return err == nil && s.Health.State == "ok" && s.Workers[d.Slot].LastDeath != nil && s.Workers[d.Slot].Restarts == 1
	}, "the slot is served again, and remembers")
	p.Stop(0)
}

func TestControlWaitEndsWithItsTimeout(t *testing.T) {
	t.Parallel()
	p := start(t, "GRACEFUL_TIMEOUT=60")
	addr := p.Up()
	release := hold(t, p, addr)
	if _, errs, code := ctl(t, p, "drain", "--wait", "--timeout", "200ms"); code != 4 || !strings.Contains(errs, "cannot wait longer") {
		t.Errorf("a wait that is over ends with %d: %s", code, errs)
	}
	release()
	p.Stop(0)
}

// An order that is given while the service stops is answered, not left hanging.
func TestControlAnswersWhileStopping(t *testing.T) {
	t.Parallel()
	p := start(t, "GRACEFUL_TIMEOUT=60")
	addr := p.Up()
	release := hold(t, p, addr)
	p.Signal(syscall.SIGTERM)
	p.WaitLog(0, testproc.Msg("signal received"), "the stop begins")
	refuses(t, p, "stopping", "reload", "--wait")
	refuses(t, p, "stopping", "upgrade", "--wait")
	release()
	p.ExpectExit(0)
}
