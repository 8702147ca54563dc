package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// Who waits for an upgrade sees how far the new master is, and why it does not come.
func TestUpgradeShowsItsProgress(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, testproc.Options{Env: []string{"WEB_WORKERS=3", setupEnv + "=hold-if-slot:1,exit-if-file:broken"}})
	p.Up()
	client := control.New(socketOf(p))
	old := mustJSON[control.Status](t, p, "status")

	writeFile(t, p, "hold") // one of the next workers does not get ready
	var out, errs string
	var code int
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		out, errs, code = ctl(t, p, "upgrade", "--wait", "--json")
	}()
	var told control.Event
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		happened, err := client.Events(t.Context(), old.Seq)
		if err != nil {
			t.Error(err)
		}
		for _, e := range happened.Events {
			if e.Kind == control.KindUpgrade && e.Fields["ready"] == "2" {
				told = e
				return true
			}
		}
		return false
	}, "the old master says that two workers are ready")
	if s := mustJSON[control.Status](t, p, "status"); s.PID != old.PID || s.Phase != control.PhaseUpgrading {
		t.Errorf("meanwhile %s answers from pid %d, want the old master %d", s.Phase, s.PID, old.PID)
	}
	if err := os.Remove(p.Path("hold")); err != nil {
		t.Fatal(err)
	}
	<-ended
	second := mustJSON[control.Status](t, p, "status")
	if code != 0 || told.Fields["wanted"] != "3" || told.Fields["master_pid"] != fmt.Sprint(second.PID) {
		t.Errorf("the upgrade ended with %d, said %v of master %d", code, told.Fields, second.PID)
	}
	var r control.Result
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Outcome != control.OutcomeDone || r.PID != second.PID {
		t.Errorf("the upgrade is %+v (%v), want it done by %d", r, err, second.PID)
	}
	for ready := range 4 {
		wants(t, errs, fmt.Sprintf("new master pid %d: %d of 3 workers are ready", second.PID, ready))
	}
	p.WaitExit(testproc.Patience)

	writeFile(t, p, "broken")
	_, errs, code = ctl(t, p, "upgrade", "--wait")
	if why := "did not get ready: "; code != 1 || strings.Count(errs, why) < 2 || !strings.Contains(errs, "last words before the exit") {
		t.Errorf("an upgrade that cannot boot ended with %d and %s, want the reason as an event and as its end", code, errs)
	}
	if s := mustJSON[control.Status](t, p, "status"); s.PID != second.PID || s.Health.State != control.HealthOK {
		t.Errorf("pid %d serves, %s; want %d", s.PID, s.Health.State, second.PID)
	}
	stopOrphan(t, p, second.PID)
}
