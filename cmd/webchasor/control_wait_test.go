package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// A master tries a worker that does not boot again and again. Who waits for it is
// told at the first time, by exit status, in words and as JSON.
func TestWaitEndsWhereABootFails(t *testing.T) {
	t.Parallel()
	p := start(t, setupEnv+"=exit-if-file:broken")
	p.Up()
	old := p.WorkerPIDs()
	writeFile(t, p, "broken")

	refuses(t, p, "cannot finish the scale: slot 2: ", "scale", "+1", "--wait")
	must(t, p, "scale", "2", "--wait") // the slot that fails goes, so nothing fails
	out, errs, code := ctl(t, p, "recycle", "0", "--wait", "--json")
	var r control.Result
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || r.Order != "recycle" || r.Outcome != "failed" ||
		!strings.Contains(r.Text, "slot 0: ") || !strings.Contains(r.Text, "last words before the exit") {
		t.Errorf("recycle --wait --json of what cannot boot: %d %s%s (%v)", code, out, errs, err)
	}
	wants(t, errs, "cannot finish the recycle: slot 0: ", "goes on trying", "to be replaced, on an operator's order")

	// The rest of the service is not what was waited for.
	if err := os.Rename(p.Path("broken"), p.Path("mended")); err != nil {
		t.Fatal(err)
	}
	testproc.Eventually(t, testproc.Patience, 10*testproc.Every, func() bool {
		s := mustJSON[control.Status](t, p, "status")
		return s.Ready == 2 && len(s.Workers) == 2 && s.Workers[0].PID != old[0]
	}, "the recycle ends by itself")
	must(t, p, "recycle", "all", "--wait")
	p.Stop(0)
}

// What an order waits for can be called off by another one.
func TestWaitEndsWithALaterOrder(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	release := hold(t, p, addr) // a drain cannot end
	ended := make(chan struct{})
	var errs string
	var code int
	go func() {
		defer close(ended)
		_, errs, code = ctl(t, p, "drain", "--wait")
	}()
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		s, err := control.New(socketOf(p)).Status(t.Context())
		return err == nil && s.Wanted == 0
	}, "the drain begins")
	must(t, p, "scale", "2")
	<-ended
	if code != 1 || !strings.Contains(errs, "cannot finish the drain: a reload or a scale wants 2 workers again") {
		t.Errorf("drain --wait ended with %d and %q", code, errs)
	}
	release()
	p.Stop(0)
}

// A script reads JSON whatever happens.
func TestJSONOfWhatFails(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.Up()
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"recycle 77", 1, "not_found"},
		{"profile 0 nonsense", 1, "usage"},
		{"deaths show nobody", 1, "not_found"},
		{"scale many", 1, "usage"},
		{"status --socket none.sock", 3, "no_master"},
	} {
		out, errs, code := ctl(t, p, append(strings.Fields(c.args), "--json")...)
		var said control.Error
		if err := json.Unmarshal([]byte(out), &said); err != nil || code != c.code || string(said.Code) != c.says || said.Message == "" || errs == "" {
			t.Errorf("%s: %d %+v (%v), stderr %q", c.args, code, said, err, errs)
		}
	}
	out, _, code := ctl(t, p, "scale", "-9", "--json")
	var r control.Result
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || r.Order != "scale" || r.Outcome != "rejected" || !strings.Contains(r.Text, "one is the least") {
		t.Errorf("a refused order is %d %s (%v)", code, out, err)
	}
	p.Stop(0)
}

// TestJSONOfEveryCommand: each prints one document with what its name says.
func TestJSONOfEveryCommand(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.Up()
	if all := mustJSON[[]control.Stacks](t, p, "stacks"); len(all) != 2 || all[0].Goroutines == 0 || len(all[0].Groups) == 0 {
		t.Errorf("stacks: %+v", all)
	}
	if f := mustJSON[struct{ File string }](t, p, "profile", "0", "goroutine", "-o", "g.pprof"); f.File != "g.pprof" || !exists(p.Path("g.pprof")) {
		t.Errorf("profile: %+v", f)
	}
	if d := mustJSON[control.Deaths](t, p, "deaths"); d.Dir == "" || d.Deaths == nil || len(d.Deaths) != 0 {
		t.Errorf("deaths: %+v", d)
	}
	if h := mustJSON[control.Health](t, p, "health"); h.State != "ok" {
		t.Errorf("health: %+v", h)
	}
	for _, args := range []string{"scale 3 --wait", "recycle 0 --wait", "drain --wait", "log-level debug"} {
		words := strings.Fields(args)
		if r := mustJSON[control.Result](t, p, words...); r.Order != words[0] || r.Outcome != "done" || r.Text == "" || r.Ended.IsZero() {
			t.Errorf("%s: %+v", args, r)
		}
	}
	p.Stop(0)
}
