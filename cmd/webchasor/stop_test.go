package main

import (
	"fmt"
	"net"
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
	if l := lostLines(t, p, 1)[0]; l.URI != "/block" || l.Status != 503 || l.Lost != "" || l.Death != "" {
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

// TestScenario06StopUnderSlowRequests: clients come before the stop, while the
// port is being closed, and after that. Those of before are answered; of the
// others none is answered that came after somebody was refused, and what is
// neither answered nor refused was in a queue that ended.
func TestScenario06StopUnderSlowRequests(t *testing.T) {
	t.Parallel()
	const workers, backlog, before, atOnce, after = 2, 16, 10, 4, 10
	p := start(t, fmt.Sprintf("BACKLOG=%d", backlog))
	v := visitors{addr: p.Up(), refused: make(chan struct{})}
	for i := range before {
		v.send(fmt.Sprintf("/sleep?ms=600&touch=begun%d", i))
	}
	for i := range before {
		begun(t, p, fmt.Sprintf("begun%d", i))
	}
	p.Signal(syscall.SIGTERM)
	pace, patience := time.NewTicker(testproc.Every), time.After(testproc.Patience)
	defer pace.Stop()
	for refusing := false; !refusing; {
		for range atOnce {
			v.send("/sleep?ms=600")
		}
		select {
		case <-pace.C:
		case <-v.refused:
			refusing = true
		case <-patience:
			t.Fatal("nobody was refused")
		}
	}
	for range after {
		v.send("/sleep?ms=600")
	}
	v.wait.Wait()
	resets := 0
	for i, visit := range v.visits {
		switch late := visit.began.After(v.firstRefusal); {
		case i < before:
			expectOK(t, visit.Result)
		case visit.Outcome == testproc.Refused:
		case late:
			t.Errorf("a client met %v although one was refused before it came", visit.Result)
		case visit.Outcome == testproc.ResetFresh:
			resets++
		default:
			expectOK(t, visit.Result)
		}
	}
	if limit := workers * backlog; resets > limit {
		t.Errorf("%d connections reset, more than all backlogs together hold: %d", resets, limit)
	}
	p.ExpectExit(0)
}

// visitors are clients with one request each, on a connection of its own.
type visitors struct {
	addr    string
	refused chan struct{} // closed when the first one is
	wait    sync.WaitGroup

	mu           sync.Mutex
	firstRefusal time.Time
	visits       []*visit // in the order in which they came
}

// visit is one of them; its fields may be read when all are back.
type visit struct {
	began time.Time
	testproc.Result
}

// send does not wait for the answer.
func (v *visitors) send(path string) {
	one := &visit{began: time.Now()}
	v.visits = append(v.visits, one)
	v.wait.Go(func() {
		client := testproc.Client{Addr: v.addr, Fresh: true}
		one.Result = client.Get(path)
		if one.Outcome != testproc.Refused {
			return
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.firstRefusal.IsZero() {
			v.firstRefusal = time.Now()
			close(v.refused)
		}
	})
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

// TestSilentClientsDoNotHoldAStop: who says nothing, before a first request or after
// one, has a few seconds, whatever keepalive and graceful_timeout are.
func TestSilentClientsDoNotHoldAStop(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1", "KEEPALIVE=3600", "GRACEFUL_TIMEOUT=3600", "STREAM_TIMEOUT=3600")
	addr := p.Up()
	idle := testproc.Client{Addr: addr}
	defer idle.Close()
	expectOK(t, idle.Get("/pid"))
	fresh, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	p.Stop(0)
}
