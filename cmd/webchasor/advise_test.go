package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// command runs one of the program's commands to its end and returns what it printed.
func command(t *testing.T, want int, args ...string) string {
	t.Helper()
	p := testproc.Start(t, testproc.Options{App: appFastHTTP, Args: args})
	if got := p.WaitExit(testproc.Patience); got != want {
		t.Errorf("%v ended with status %d, want %d: %s", args, got, want, p.Log)
	}
	return p.Out.String()
}

// TestAdviceFromLiveNumbers: a service that is well, and one whose worker is full.
func TestAdviceFromLiveNumbers(t *testing.T) {
	t.Parallel()
	p, addr, c := watched(t, "WEB_WORKERS=1", "WORKER_CONNECTIONS=2", "WORKER_TIMEOUT=0")
	pid := p.WaitWorkers(1)[0]
	if out := command(t, 0, "advise", "--strict", "--socket", c.Socket()); !strings.Contains(out, "nothing to change: 1 of 1 workers ready") {
		t.Errorf("a service that is well is told %q", out)
	}
	background(addr, "/block?touch=one")
	background(addr, "/block?touch=two")
	begun(t, p, "one")
	begun(t, p, "two")
	var list []struct{ Urgency, About, Text string }
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		s, err := c.Status(t.Context())
		return err == nil && len(s.Workers) == 1 && s.Workers[0].State == "full"
	}, "the worker is full")
	if err := json.Unmarshal([]byte(command(t, 1, "advise", "--strict", "--json", "--socket", c.Socket())), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 || list[0].Urgency != "now" || list[0].About != "connections" || !strings.Contains(list[0].Text, "1 of 1 workers") {
		t.Errorf("a full service is told %+v", list)
	}
	p.SignalPID(pid, 9)
	p.Stop(0)
}

// TestDeathsShowOnTheCommandLine prints what a tired person needs.
func TestDeathsShowOnTheCommandLine(t *testing.T) {
	t.Parallel()
	p, addr, c := watched(t, "WEB_WORKERS=1")
	<-background(addr, "/segv")
	id := theDeath(t, c).ID
	for _, name := range []string{id, "last"} {
		out := command(t, 0, "deaths", "show", "--socket", c.Socket(), name)
		for _, want := range []string{"Worker died:", "Culprit: GET /segv", "Where: ", "To do: "} {
			if !strings.Contains(head(out), want) {
				t.Errorf("deaths show %s does not begin with %q:\n%s", name, want, head(out))
			}
		}
	}
	if out := command(t, 0, "deaths", "--socket", c.Socket()); !strings.Contains(out, id) || !strings.Contains(out, "/segv") {
		t.Errorf("deaths lists %q", out)
	}
	command(t, 1, "deaths", "show", "--socket", c.Socket(), "nobody")
	p.Stop(0)
}
