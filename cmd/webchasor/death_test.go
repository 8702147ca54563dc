package main

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// died matches the line of an abnormal death of a worker.
func died(pid int) testproc.Match {
	return testproc.Msg(testproc.MsgDied, testproc.KeyPID, pid)
}

// ended matches the line of any death of a worker.
func ended(pid int) testproc.Match {
	wanted := testproc.Msg(testproc.MsgExited, testproc.KeyPID, pid)
	return func(l testproc.Line) bool { return died(pid)(l) || wanted(l) }
}

func TestScenario11KilledWorkersAreReplaced(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	old := p.WaitWorkers(2)
	mark := p.Log.Mark()
	for _, pid := range old {
		p.SignalPID(pid, syscall.SIGKILL)
	}
	p.WaitReplaced(old, 2)
	testproc.Get(t, addr, "/pid")
	for _, pid := range old {
		line := p.WaitLog(mark, died(pid), fmt.Sprintf("the death of %d", pid))
		if line.Str("level") != "error" || !testproc.Text("SIGKILL")(line) {
			t.Errorf("not an error that names the signal: %s", line.Text)
		}
	}
	mark = p.Log.Mark()
	p.Signal(syscall.SIGQUIT)
	p.ExpectExit(0)
	wantNoLine(t, p, mark, testproc.Level("error"), "a wanted stop is no error")
	wantNoLine(t, p, mark, testproc.Level("warn"), "a wanted stop is no warning")
}

// TestDeathHasACause kills a worker in every way an application can, and
// expects the cause in the log and a record with the culprit.
func TestDeathHasACause(t *testing.T) {
	cases := map[string]struct {
		path   string
		log    []string
		record []string // "" means anything
		stack  string   // in the log; "" if there is none
	}{
		"panic":       {"/panic-goroutine", []string{"panic"}, []string{"panic in a goroutine", "/panic-goroutine", "testapp_test.go"}, "testHandler"},
		"fatal fault": {"/segv", []string{"SIGSEGV"}, []string{"/segv", "fault"}, "webchasor.fault"},
		"exit":        {"/exit?code=42", []string{"42"}, []string{"/exit"}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "WEB_WORKERS=1")
			addr := p.Up()
			old := p.WaitWorkers(1)
			mark := p.Log.Mark()
			<-background(addr, c.path)
			line := p.WaitLog(mark, died(old[0]), "the death of the worker")
			if !testproc.Text(c.log...)(line) {
				t.Errorf("the line does not say %q: %s", c.log, line.Text)
			}
			if c.stack == "" {
				if line.Str("stacks") == "" {
					t.Errorf("the line does not say why there are no stacks: %s", line.Text)
				}
			} else {
				first := p.WaitLog(mark, testproc.Msg("stack of the dead worker", testproc.KeyPID, old[0]), "its stacks")
				if !testproc.Text(c.stack, "testapp_test.go:")(first) {
					t.Errorf("the first stack does not show %q: %s", c.stack, first.Text)
				}
			}
			p.WaitReplaced(old, 1)
			testproc.Get(t, addr, "/pid")
			record := onlyRecord(t, p)
			for _, want := range c.record {
				if !contains(t, record, want) {
					t.Errorf("%s does not say %q", filepath.Base(record), want)
				}
			}
			p.Stop(0)
		})
	}
}

// TestPanicsCostOneRequest has panics in handlers and streams: the request is
// lost, the worker is not.
func TestPanicsCostOneRequest(t *testing.T) {
	for _, kind := range []string{appFastHTTP, appNetHTTP} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := startWith(t, testproc.Options{App: kind, Env: []string{"WEB_WORKERS=1"}})
			addr := p.Up()
			old := p.WaitWorkers(1)
			mark := p.Log.Mark()
			client := testproc.Client{Addr: addr}
			defer client.Close()
			if res := client.Get("/panic"); res.Status != 500 {
				t.Errorf("a panic gave %v, want status 500", res)
			}
			p.WaitLog(mark, testproc.Text("panic on request", "testapp_test.go"), "the panic and its stack")
			if kind == appFastHTTP {
				other := testproc.Client{Addr: addr}
				events := other.Stream(t, "GET", "/stream-panic?n=3&every=1", "")
				if n, _, err := events.Count(-1); n > 1 || err == nil {
					t.Errorf("a stream that panics gave %d events and the error %v", n, err)
				}
				events.Close()
				p.WaitLog(mark, testproc.Text("panic in a stream"), "the stream's panic")
			}
			if pid := expectOK(t, testproc.Get(t, addr, "/pid")); pid != old[0] {
				t.Errorf("pid %d became %d", old[0], pid)
			}
			p.Stop(0)
		})
	}
}
