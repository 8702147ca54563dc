package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// heldOnEach puts requests on the workers until each of them has one, and returns
// the channels with the answers. They come when the file named hold is removed.
func heldOnEach(t *testing.T, p *testproc.Process, addr string, workers []int) []<-chan testproc.Result {
	t.Helper()
	const enough = 100 // the weights of the slots are never that unequal
	writeFile(t, p, "hold")
	var answers []<-chan testproc.Result
	without := slices.Clone(workers)
	for i := 0; len(without) > 0; i++ {
		if i == enough {
			t.Fatalf("%d requests, and none came to %v", i, without)
		}
		name := fmt.Sprintf("begun%d", i)
		answers = append(answers, background(addr, "/held?while=hold&touch="+name))
		begun(t, p, name)
		text, err := os.ReadFile(p.Path(name))
		if err != nil {
			t.Fatal(err)
		}
		without = slices.DeleteFunc(without, func(pid int) bool { return strconv.Itoa(pid) == string(text) })
	}
	return answers
}

func TestScenario09TermToWorkers(t *testing.T) {
	t.Parallel()
	p := start(t, "GRACEFUL_TIMEOUT=30")
	addr := p.Up()
	old := p.WaitWorkers(2)
	answers := heldOnEach(t, p, addr, old)
	begin := time.Now()
	mark := p.Log.Mark()
	for _, pid := range old {
		p.SignalPID(pid, syscall.SIGTERM)
	}
	for _, pid := range old {
		p.WaitLog(mark, testproc.Msg("draining worker", testproc.KeyPID, pid), "a worker drains with a request under way")
	}
	removeFile(t, p, "hold")
	for _, answer := range answers {
		expectOK(t, <-answer)
	}
	disjoint(t, old, p.WaitReplaced(old, 2))
	within(t, begin, 15*time.Second, "replacing drained workers")
	for _, pid := range old {
		line := p.WaitLog(mark, ended(pid), "the worker's end")
		if !testproc.Text("SIGTERM")(line) || line.Int("requests_lost") != 0 {
			t.Errorf("want SIGTERM named and nothing lost: %s", line.Text)
		}
	}
	testproc.Get(t, addr, "/pid")
	p.Stop(0)
}

// TestScenario10DrainBudget: what does not end within graceful_timeout is
// answered with 503 and does not hold the reload.
func TestScenario10DrainBudget(t *testing.T) {
	t.Parallel()
	p := start(t, "GRACEFUL_TIMEOUT=1")
	addr := p.Up()
	old := p.WaitWorkers(2)
	answer := background(addr, "/wait?ms=20000&touch=begun")
	begun(t, p, "begun")
	begin := time.Now()
	p.Signal(syscall.SIGHUP)
	res := <-answer
	if res.Status != 503 || !res.Closing {
		t.Errorf("want a 503 with Connection: close, got %v", res)
	}
	if res.Elapsed < time.Second {
		t.Errorf("cut after %v, before the budget", res.Elapsed)
	}
	p.WaitReplaced(old, 2)
	within(t, begin, 10*time.Second, "a reload with a drain budget of one second")
	p.Stop(0)
}

func TestScenario22MasterKilled(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	workers := p.WaitWorkers(2)
	answer := background(addr, "/sleep?ms=1500&touch=begun")
	begun(t, p, "begun")
	begin := time.Now()
	p.Signal(syscall.SIGKILL)
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return testproc.Refuses("tcp", addr) },
		"the orphans stop accepting")
	within(t, begin, 1400*time.Millisecond, "closing the port")
	expectOK(t, <-answer)
	for _, pid := range workers {
		p.WaitPIDGone(pid, 5*time.Second)
	}
	p.ExpectEmpty()

	again := start(t, "BIND="+addr)
	again.Up()
	testproc.Get(t, addr, "/pid")
	again.Stop(0)
}

// TestScenario22FullWorkersLeaveThePort: workers that are full and have a queue
// have no time for it when the master is killed. The next one starts meanwhile.
func TestScenario22FullWorkersLeaveThePort(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_CONNECTIONS=2", "GRACEFUL_TIMEOUT=30")
	addr := p.Up()
	workers := p.WaitWorkers(2)
	var answers []<-chan testproc.Result
	for i := range 4 {
		answers = append(answers, background(addr, fmt.Sprintf("/sleep?ms=4000&touch=begun%d", i)))
	}
	for i := range 4 {
		begun(t, p, fmt.Sprintf("begun%d", i))
	}
	for range 6 { // no worker has room for these
		testproc.Dial(t, addr).Send(testproc.Request("/pid"))
	}
	begin := time.Now()
	p.Signal(syscall.SIGKILL)
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return testproc.Refuses("tcp", addr) },
		"full orphans stop accepting")
	within(t, begin, 1400*time.Millisecond, "closing the port")

	again := start(t, "BIND="+addr)
	again.Up()
	testproc.Get(t, addr, "/pid")
	for _, answer := range answers {
		expectOK(t, <-answer)
	}
	for _, pid := range workers {
		p.WaitPIDGone(pid, testproc.Patience)
	}
	again.Stop(0)
}

// TestRestartWhileOrphansLeave: the port of a killed master is waited for.
func TestRestartWhileOrphansLeave(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	p.WaitWorkers(2)
	p.Signal(syscall.SIGKILL)
	p.WaitExit(testproc.Patience)
	again := start(t, "BIND="+addr)
	again.Up()
	testproc.Get(t, addr, "/pid")
	again.Stop(0)
}

// TestScenario23DrainOutlivesTheTimeout: a draining worker whose stream makes
// progress is not taken for a hung one.
func TestScenario23DrainOutlivesTheTimeout(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_TIMEOUT=0.5", "GRACEFUL_TIMEOUT=1", "STREAM_TIMEOUT=20")
	client := testproc.Client{Addr: p.Up()}
	defer client.Close()
	old := p.WaitWorkers(2)
	const n = 25
	events := client.Stream(t, "GET", "/stream?every=100&n="+strconv.Itoa(n), "")
	if got, _, err := events.Count(1); got != 1 || err != nil {
		t.Fatalf("the stream does not begin: %d events, %v", got, err)
	}
	mark := p.Log.Mark()
	for _, pid := range old {
		p.SignalPID(pid, syscall.SIGTERM)
	}
	if got, last, err := events.Count(-1); got != n || last != "[DONE]" || err != nil {
		t.Errorf("%d of %d events, then %q and %v", got, n, last, err)
	}
	p.WaitReplaced(old, 2)
	wantNoLine(t, p, mark, testproc.Text("SIGKILL"), "a draining worker was killed")
	wantNoLine(t, p, mark, testproc.Text("SIGABRT"), "a draining worker was aborted")
	wantNoLine(t, p, mark, testproc.Text("Worker timeout"), "a draining worker was blamed")
	p.Stop(0)
}

// TestStreamBudget: at the end of stream_timeout a stream gets a terminal
// event, not a silent cut.
func TestStreamBudget(t *testing.T) {
	t.Parallel()
	p := start(t, "GRACEFUL_TIMEOUT=0.5", "STREAM_TIMEOUT=1")
	client := testproc.Client{Addr: p.Up()}
	defer client.Close()
	events := client.Stream(t, "GET", "/stream?n=1000&every=50", "")
	if got, _, err := events.Count(1); got != 1 || err != nil {
		t.Fatalf("the stream does not begin: %d events, %v", got, err)
	}
	p.Signal(syscall.SIGTERM)
	begin := time.Now()
	_, last, err := events.Count(-1)
	if !strings.Contains(last, "error") || err != nil {
		t.Errorf("want a terminal error event, got %q and %v", last, err)
	}
	if took := time.Since(begin); took < 900*time.Millisecond {
		t.Errorf("cut after %v, before the stream's budget", took)
	}
	p.ExpectExit(0)
}

// TestScenario36ReloadLeavesOneGeneration has everything that can hold a
// draining worker: a deaf request, a long stream, an idle connection.
func TestScenario36ReloadLeavesOneGeneration(t *testing.T) {
	t.Parallel()
	p := start(t, "GRACEFUL_TIMEOUT=1", "STREAM_TIMEOUT=1")
	addr := p.Up()
	old := p.WaitWorkers(2)
	background(addr, "/block?touch=begun")
	begun(t, p, "begun")
	idle := testproc.Dial(t, addr)
	idle.Send(testproc.Request("/pid"))
	idle.Answer()
	streaming := testproc.Client{Addr: addr}
	defer streaming.Close()
	if n, _, err := streaming.Stream(t, "GET", "/stream?n=1000&every=50", "").Count(1); n != 1 || err != nil {
		t.Fatalf("the stream does not begin: %d events, %v", n, err)
	}

	mark := p.Log.Mark()
	p.Signal(syscall.SIGHUP)
	p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
	now := p.WaitReplaced(old, 2)
	generations := map[int]bool{}
	for _, worker := range p.Ready(mark) {
		generations[worker.Generation] = true
	}
	if len(generations) != 1 {
		t.Errorf("generations %v among %v, want one", generations, now)
	}
	idle.ExpectEOF(testproc.Patience)
	testproc.Get(t, addr, "/pid")
	p.Stop(0)
}

// TestScenario37IdleConnectionMaySpeakOnce: a kept connection that sends its next request
// just after the stop is answered, and told to close.
func TestScenario37IdleConnectionMaySpeakOnce(t *testing.T) {
	t.Parallel()
	p := start(t, "KEEPALIVE=3")
	addr := p.Up()
	client := testproc.Dial(t, addr)
	client.Send(testproc.Request("/pid"))
	expectOK(t, client.Answer())
	silent := testproc.Dial(t, addr)
	p.Signal(syscall.SIGTERM)
	refusedSoon(t, addr)
	client.Send(testproc.Request("/pid"))
	res := client.Answer()
	expectOK(t, res)
	if !res.Closing {
		t.Error("the answer of a draining worker does not say Connection: close")
	}
	client.ExpectEOF(testproc.Patience)
	silent.ExpectEOF(testproc.Patience)
	p.ExpectExit(0)
}

// TestScenario37QueuedConnectionsAreAnswered: connections that the kernel has
// accepted and no worker has, at the moment of the stop.
func TestScenario37QueuedConnectionsAreAnswered(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1", "WORKER_CONNECTIONS=2")
	addr := p.Up()
	first := []<-chan testproc.Result{
		background(addr, "/sleep?ms=1000&touch=begun0"), background(addr, "/sleep?ms=1000&touch=begun1"),
	}
	begun(t, p, "begun0")
	begun(t, p, "begun1")
	var queued []*testproc.Raw
	for range 10 {
		conn := testproc.Dial(t, addr)
		conn.Send(testproc.Request("/pid"))
		queued = append(queued, conn)
	}
	p.Signal(syscall.SIGTERM)
	for _, answer := range first {
		expectOK(t, <-answer)
	}
	for _, conn := range queued {
		expectOK(t, conn.Answer())
	}
	p.ExpectExit(0)
}

// TestScenario37QueueBehindSlowRequests: who waits behind a full worker at the
// moment of the stop is answered, however long it takes to have room within half of
// graceful_timeout. Who comes later is not queued in vain.
func TestScenario37QueueBehindSlowRequests(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1", "WORKER_CONNECTIONS=1", "GRACEFUL_TIMEOUT=20")
	addr := p.Up()
	first := background(addr, "/sleep?ms=4000&touch=begun")
	begun(t, p, "begun")
	var queued []*testproc.Raw
	for range 10 {
		conn := testproc.Dial(t, addr)
		conn.Send(testproc.Request("/pid"))
		queued = append(queued, conn)
	}
	mark := p.Log.Mark()
	p.Signal(syscall.SIGTERM)
	p.WaitLog(mark, testproc.Text("new connections are kept out"), "the end of accepting newcomers")
	late := background(addr, "/pid")
	expectOK(t, <-first)
	for _, conn := range queued {
		expectOK(t, conn.Answer())
	}
	if res := <-late; res.Outcome != testproc.Refused {
		t.Errorf("a newcomer met %v, want %s", res, testproc.Refused)
	}
	p.ExpectExit(0)
}

func TestScenario37PipelinedRequestIsAnswered(t *testing.T) {
	t.Parallel()
	p := start(t)
	client := testproc.Dial(t, p.Up())
	client.Send(testproc.Request("/sleep?ms=800&touch=begun") + testproc.Request("/pid"))
	begun(t, p, "begun")
	p.Signal(syscall.SIGTERM)
	expectOK(t, client.Answer())
	second := client.Answer()
	expectOK(t, second)
	if !second.Closing {
		t.Error("the last answer does not say Connection: close")
	}
	client.ExpectEOF(testproc.Patience)
	p.ExpectExit(0)
}
