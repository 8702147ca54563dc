package testproc

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestStartWaitStop(t *testing.T) {
	p := Start(t, Options{App: "server"})
	addr := p.Up()
	if res := Get(t, addr, "/pid"); res.Header.Get(PIDHeader) == "" {
		t.Errorf("no %s in %v", PIDHeader, res.Header)
	}
	workers := p.WaitWorkers(2)
	if masters := p.MasterPIDs(); !slices.Equal(masters, []int{p.PID()}) {
		t.Errorf("masters %v, want only %d", masters, p.PID())
	}
	p.Stop(0)
	for _, pid := range workers {
		p.WaitPIDGone(pid, Patience)
	}
	if !Refuses("tcp", addr) {
		t.Error("the address still answers")
	}
}

func TestWrongExitCodeFails(t *testing.T) {
	failed, text := record(t, func(t T) { Start(t, Options{App: "exit:7"}).ExpectExit(0) })
	if !failed || !strings.Contains(text, "exit status 7") {
		t.Errorf("failed %v with %q", failed, text)
	}
	failed, text = record(t, func(t T) { Start(t, Options{App: "exit:7"}).ExpectExit(7) })
	if failed {
		t.Errorf("failed with %q", text)
	}
}

func TestLastLineIsThereAfterTheExit(t *testing.T) {
	p := Start(t, Options{App: "verbose"})
	p.WaitExit(Patience)
	if _, found := p.Log.Find(0, Text("giving up")); !found {
		t.Errorf("only %d lines", p.Log.Mark())
	}
}

func TestLeftoverFailsAndIsKilled(t *testing.T) {
	var workers []int
	failed, text := record(t, func(t T) {
		p := Start(t, Options{App: "careless"})
		p.Up()
		workers = p.WaitWorkers(2)
		p.Stop(0)
	})
	if !failed || !strings.Contains(text, "left running") {
		t.Errorf("failed %v with %q", failed, text)
	}
	for _, pid := range workers {
		if !PIDGone(pid) {
			t.Errorf("pid %d survived the cleanup", pid)
		}
	}
}

func TestWaitLogEndsWithTheProgram(t *testing.T) {
	failed, text := record(t, func(t T) { Start(t, Options{App: "exit:3"}).Addr() })
	if !failed || !strings.Contains(text, "the program ended") || !strings.Contains(text, "giving up") {
		t.Errorf("failed %v with %q", failed, text)
	}
}

func TestOrphansAreFollowedAndReaped(t *testing.T) {
	p := Start(t, Options{App: "daemon"})
	p.Up()
	if code := p.WaitExit(Patience); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	p.WaitWorkers(2)
	masters := p.MasterPIDs()
	if len(masters) != 1 {
		t.Fatalf("masters %v, want one", masters)
	}
	p.SignalPID(masters[0], syscall.SIGTERM)
	if code := p.OrphanExit(masters[0], Patience); code != 0 {
		t.Errorf("the orphan's exit code is %d", code)
	}
	p.ExpectEmpty()
}

func TestSignalsStayInTheSession(t *testing.T) {
	failed, _ := record(t, func(t T) {
		p := Start(t, Options{App: "server"})
		p.SignalPID(os.Getppid(), syscall.Signal(0))
	})
	if !failed {
		t.Error("a foreign pid was signalled")
	}
}

func TestEvidenceIsKept(t *testing.T) {
	keep := t.TempDir()
	t.Setenv(EvidenceEnv, keep)
	record(t, func(t T) {
		p := Start(t, Options{App: "exit:3", Config: "server: {}\n"})
		p.WaitExit(Patience)
		t.Errorf("on purpose")
	})
	for _, name := range []string{"webchasor.yaml", "stderr.log"} {
		if found, _ := filepath.Glob(filepath.Join(keep, "*", name)); len(found) != 1 {
			t.Errorf("%s: %d copies, want 1", name, len(found))
		}
	}
}

func TestRaceReportFails(t *testing.T) {
	failed, text := record(t, func(t T) {
		p := Start(t, Options{App: "exit:0"})
		p.WriteFile("race.123", "WARNING: DATA RACE\n")
		p.WaitExit(Patience)
	})
	if !failed || !strings.Contains(text, "DATA RACE") {
		t.Errorf("failed %v with %q", failed, text)
	}
}

func TestEnvironment(t *testing.T) {
	p := &Process{Dir: "/d"}
	env := p.environment(Options{App: "a", Env: []string{"WEB_WORKERS=5", "WATCH", "X=1"}})
	for _, want := range []string{AppEnv + "=a", "WEB_WORKERS=5", "X=1", "STATE_DIRECTORY=/d/state"} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is missing in %v", want, env)
		}
	}
	for _, pair := range env {
		if strings.HasPrefix(pair, "WATCH=") || pair == "WEB_WORKERS=2" {
			t.Errorf("%s was not replaced", pair)
		}
	}
}

func TestParseStat(t *testing.T) {
	got, err := parseStat("42 (a) b) S 1 40 41 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 7 0 12345 1 1\n")
	want := Proc{PID: 42, Parent: 1, Group: 40, Session: 41, State: 'S', Comm: "a) b", Threads: 7, CPU: 200 * clockTick}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"", "1", "x (a) S", "1 (a) S 2"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q was parsed", bad)
		}
	}
}
