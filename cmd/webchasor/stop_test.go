package main

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

func TestScenario01TermStops(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	p.WaitWorkers(2)
	begin := time.Now()
	// To the group, as a shell or a service manager sends it.
	if err := syscall.Kill(-p.PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ExpectExit(0)
	within(t, begin, 5*time.Second, "an idle stop")
	if !testproc.Refuses("tcp", addr) {
		t.Error("the port still answers")
	}
	if left := p.Session(); len(left) > 0 {
		t.Errorf("left, zombies included: %+v", left)
	}
	wantNoLine(t, p, 0, testproc.Level("error"), "an idle stop is no error")
}

func TestScenario02InterruptStopsQuickly(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			p := start(t, "GRACEFUL_TIMEOUT=30", "ACCESS_LOG=access.log", "ACCESS_LOG_FORMAT=json")
			addr := p.Up()
			background(addr, "/sleep?ms=20000&touch=begun")
			begun(t, p, "begun")
			begin := time.Now()
			p.Signal(sig)
			p.ExpectExit(0)
			within(t, begin, 6*time.Second, "a quick stop")
			if l := lostLines(t, p, 1)[0]; l.URI != "/sleep" || l.Lost != "stop" || l.Death != "" {
				t.Errorf("the access log says %+v", l)
			}
		})
	}
}

// TestAbandonedRequestsAreLogged: a handler that outlasts the drain is left
// behind as planned; its request has an access line all the same.
func TestAbandonedRequestsAreLogged(t *testing.T) {
	t.Parallel()
	p := start(t, "GRACEFUL_TIMEOUT=1", "ACCESS_LOG=access.log", "ACCESS_LOG_FORMAT=json")
	addr := p.Up()
	answer := background(addr, "/block?touch=begun")
	begun(t, p, "begun")
	p.Signal(syscall.SIGTERM)
	if res := <-answer; res.Status != 503 {
		t.Errorf("the client got %v, want 503", res)
	}
	p.ExpectExit(0)
	if l := lostLines(t, p, 1)[0]; l.URI != "/block" || l.Status != 503 || l.Lost != "stop" || l.Death != "" {
		t.Errorf("the access log says %+v", l)
	}
}

func TestSecondTermMakesAStopQuick(t *testing.T) {
	t.Parallel()
	p := start(t, "GRACEFUL_TIMEOUT=30")
	addr := p.Up()
	background(addr, "/sleep?ms=20000&touch=begun")
	begun(t, p, "begun")
	p.Signal(syscall.SIGTERM)
	refusedSoon(t, addr)
	begin := time.Now()
	p.Signal(syscall.SIGTERM)
	p.ExpectExit(0)
	within(t, begin, 6*time.Second, "the second TERM")
}

func TestScenario06StopUnderSlowRequests(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	const clients, before = 20, 10
	results := make([]testproc.Result, clients)
	begins := make([]time.Time, clients)
	var wait sync.WaitGroup
	for i := range clients {
		if i == before {
			begun(t, p, fmt.Sprintf("begun%d", before-1))
			p.Signal(syscall.SIGTERM)
			refusedSoon(t, addr)
		}
		begins[i] = time.Now()
		wait.Go(func() {
			client := testproc.Client{Addr: addr, Fresh: true}
			results[i] = client.Get(fmt.Sprintf("/sleep?ms=600&touch=begun%d", i))
		})
		testproc.Pause(20*time.Millisecond, nil)
	}
	wait.Wait()
	for i, res := range results {
		want := testproc.OK
		if i >= before {
			want = testproc.Refused
		}
		if res.Outcome != want {
			t.Errorf("request %d: %v, want %s", i, res, want)
		}
	}
	p.ExpectExit(0)
}

func TestScenario07StopFinishesARequest(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	answer := background(addr, "/sleep?ms=1500&touch=begun")
	begun(t, p, "begun")
	p.Signal(syscall.SIGTERM)
	refusedSoon(t, addr)
	select {
	case res := <-answer:
		t.Fatalf("answered before new connections were refused: %v", res)
	default:
	}
	res := <-answer
	expectOK(t, res)
	if !res.Closing {
		t.Error("the answer of a draining worker does not say Connection: close")
	}
	p.ExpectExit(0)
}

func TestScenario08StopLeavesNoWorker(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=4")
	p.Up()
	workers := p.WaitWorkers(4)
	p.Stop(0)
	for _, pid := range workers {
		if !testproc.PIDGone(pid) {
			t.Errorf("pid %d still exists", pid)
		}
	}
}
