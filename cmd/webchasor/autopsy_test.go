package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// watched starts the program with a control socket and waits until it serves.
func watched(t *testing.T, env ...string) (p *testproc.Process, addr string, c *control.Client) {
	t.Helper()
	return watchedWith(t, appFastHTTP, env...)
}

func watchedWith(t *testing.T, app string, env ...string) (p *testproc.Process, addr string, c *control.Client) {
	t.Helper()
	dir := t.TempDir()
	socket := dir + "/control.sock"
	p = startWith(t, testproc.Options{App: app, Dir: dir, Env: append([]string{"CONTROL_SOCKET=" + socket}, env...)})
	return p, p.Up(), control.New(socket)
}

// theDeath waits for the only death and returns its record.
func theDeath(t *testing.T, c *control.Client) control.DeathRecord {
	t.Helper()
	var list control.Deaths
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		var err error
		list, err = c.Deaths(t.Context())
		return err == nil && len(list.Deaths) > 0
	}, "the death is listed")
	if len(list.Deaths) != 1 {
		t.Fatalf("deaths %+v, want one", list.Deaths)
	}
	record, err := c.Death(t.Context(), list.Deaths[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// lostLine is what the access log says about a request that was under way when its worker ended.
type lostLine struct {
	Method, URI, Lost, Death string
	Proto                    string // "-": the master wrote it
	Status, PID, Slot        int
	UserAgent                string `json:"user_agent"`
}

// lostLines waits for the master's n access lines.
func lostLines(t *testing.T, p *testproc.Process, n int) (lost []lostLine) {
	t.Helper()
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		lost = nil
		text, _ := os.ReadFile(p.Path("access.log"))
		for line := range strings.Lines(string(text)) {
			var l lostLine
			if json.Unmarshal([]byte(line), &l) == nil && l.Proto == "-" {
				lost = append(lost, l)
			}
		}
		return len(lost) >= n
	}, "the lost requests are in the access log")
	if len(lost) != n {
		t.Errorf("%d lost requests in the access log, want %d: %+v", len(lost), n, lost)
	}
	return lost
}

// head is the part of a report that a tired person reads.
func head(report string) string {
	first, _, _ := strings.Cut(report, "\n\n")
	return first
}

// TestAutopsyNamesTheCulprit: ten seconds at three in the morning are enough.
func TestAutopsyNamesTheCulprit(t *testing.T) {
	t.Parallel()
	p, addr, c := watched(t, "WEB_WORKERS=1", "ACCESS_LOG=access.log", "ACCESS_LOG_FORMAT=json")
	old := p.WaitWorkers(1)
	client := testproc.Client{Addr: addr} // one connection: the first request has ended when the second begins
	defer client.Close()
	client.Get("/stderr?text=words-before-the-end")
	client.Get("/panic-goroutine")
	p.WaitLog(0, died(old[0]), "the death")
	d := theDeath(t, c)
	for _, want := range []string{
		"Worker died: panic: panic in a goroutine", "Culprit: GET /panic-goroutine", "Where: ", "testapp_test.go:", "To do: ",
	} {
		if !strings.Contains(head(d.Report), want) {
			t.Errorf("the first lines do not say %q:\n%s", want, head(d.Report))
		}
	}
	for _, want := range []string{"words-before-the-end", "worker ready", "load ", "exit status 2"} {
		if !strings.Contains(d.Report, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	if d.Cause != "panic" || d.Culprit != "GET /panic-goroutine" || d.Lost != 1 || d.PID != old[0] || !json.Valid(d.Record) {
		t.Errorf("in short: %+v", d.Death)
	}
	events, err := c.Events(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(events.Events, func(e control.Event) bool { return e.Death == d.ID && e.PID == old[0] && string(e.Kind) == "death" }) {
		t.Errorf("no event names the record %s", d.ID)
	}
	l := lostLines(t, p, 1)[0]
	if l.Method != "GET" || l.URI != "/panic-goroutine" || l.Status != 502 || l.Lost != "panic" || l.UserAgent != "lost:panic" || l.Death != d.ID || l.PID != old[0] {
		t.Errorf("the access log says %+v", l)
	}
	p.Stop(0)
}

// TestAutopsyAfterSIGKILL: a process that cannot say anything any more has left
// its log lines and its requests behind all the same.
func TestAutopsyAfterSIGKILL(t *testing.T) {
	t.Parallel()
	p, addr, c := watched(t, "WEB_WORKERS=1", "ACCESS_LOG=access.log", "ACCESS_LOG_FORMAT=json")
	old := p.WaitWorkers(1)
	background(addr, "/block?touch=one")
	background(addr, "/sleep?ms=600000&touch=two")
	begun(t, p, "one")
	begun(t, p, "two")
	p.SignalPID(old[0], syscall.SIGKILL)
	d := theDeath(t, c)
	if d.Cause != "outside-signal" || d.Signal != "SIGKILL" || d.Lost != 2 {
		t.Errorf("in short: %+v", d.Death)
	}
	for _, want := range []string{"sender unknown", "we sent it no signal", "worker ready", "/block", "/sleep", "auditctl"} {
		if !strings.Contains(d.Report, want) {
			t.Errorf("the report does not say %q:\n%s", want, d.Report)
		}
	}
	var paths []string
	for _, l := range lostLines(t, p, 2) {
		paths = append(paths, l.URI)
	}
	if slices.Sort(paths); !slices.Equal(paths, []string{"/block", "/sleep"}) {
		t.Errorf("lost %v", paths)
	}
	p.Stop(0)
}

// TestNoRecordIsLostAtTheEnd: a death in the last moment is written down.
func TestNoRecordIsLostAtTheEnd(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.Up()
	old := p.WaitWorkers(2)
	p.SignalPID(old[0], syscall.SIGKILL)
	p.WaitLog(0, died(old[0]), "the death")
	p.Signal(syscall.SIGQUIT)
	p.ExpectExit(0)
	if record := onlyRecord(t, p); !contains(t, record, "sender unknown") {
		t.Errorf("%s is not about that death", record)
	}
}

// oneEach opens connections until there is one to each of n workers.
func oneEach(t *testing.T, addr string, n int) (clients []*testproc.Client) {
	t.Helper()
	var pids []int
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		client := &testproc.Client{Addr: addr}
		t.Cleanup(client.Close)
		if pid := expectOK(t, client.Get("/pid")); !slices.Contains(pids, pid) {
			pids, clients = append(pids, pid), append(clients, client)
		}
		return len(clients) == n
	}, "a connection to each worker")
	return clients
}

// TestPoisonIsNamedAndQuarantined has requests that kill two of three workers.
// The third one, and those that follow, refuse requests of that kind for a while.
func TestPoisonIsNamedAndQuarantined(t *testing.T) {
	t.Parallel()
	p, addr, c := watched(t, "WEB_WORKERS=3", "KEEPALIVE=60", "POISON_DEATHS=2", "POISON_QUARANTINE=4")
	clients := oneEach(t, addr, 3)
	for _, victim := range clients[:2] {
		mark := p.Log.Mark()
		victim.Get("/die?code=9")
		p.WaitLog(mark, testproc.Msg(testproc.MsgDied), "the death")
	}
	p.WaitLog(0, testproc.Both(testproc.Level("warn"), testproc.Text("keeps killing workers", "GET /die")), "the warning")
	// On a slow machine the quarantine may be over before we look.
	over := func() bool {
		_, found := p.Log.Find(0, testproc.Text("let in again"))
		return found
	}
	status, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if list := status.Poisoned; (len(list) != 1 || list[0].Shape != "GET /die" || list[0].Deaths != 2 || !list[0].Quarantined) && !over() {
		t.Errorf("the status names %+v", list)
	}
	warned := false
	for _, w := range status.Warnings {
		warned = warned || w.Kind == "poison"
	}
	if !warned && !over() {
		t.Errorf("the status warns of %+v", status.Warnings)
	}
	var res testproc.Result
	survivor, tries := clients[2], 0
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		res = survivor.Get("/die") // without a code it does no harm
		tries++
		return res.Status == 503 || over()
	}, "the worker that lives on refuses too")
	if res.Status != 503 && tries > 100 {
		t.Errorf("the worker that lives on never refused in %d requests", tries)
	}
	if res.Status == 503 {
		if after := res.Header.Get("Retry-After"); after == "" || after == "0" {
			t.Errorf("Retry-After is %q", after)
		}
		if !strings.Contains(res.Body, "request_quarantined") {
			t.Errorf("the body is %q", res.Body)
		}
		expectOK(t, survivor.Get("/pid"))
	}
	p.WaitWorkers(3)
	for _, client := range oneEach(t, addr, 3) {
		if res := client.Get("/die"); res.Status != 503 && !over() {
			t.Errorf("in quarantine a worker answered %v", res)
		}
	}
	p.WaitLog(0, testproc.Text("let in again", "GET /die"), "the end of the quarantine")
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		return survivor.Get("/die").Outcome == testproc.OK
	}, "after the quarantine the request reaches the handler again")
	p.Signal(syscall.SIGQUIT) // the connections are still open
	p.ExpectExit(0)
}

// TestAnsweredRequestsAreNotLost: a client that was told 408 has its answer, although
// the handler that waited for the rest of its request hangs and takes the worker with it.
func TestAnsweredRequestsAreNotLost(t *testing.T) {
	t.Parallel()
	p, addr, c := watchedWith(t, appNetHTTP, "WEB_WORKERS=1", "WORKER_TIMEOUT=2", "GRACEFUL_TIMEOUT=1", "STREAM_TIMEOUT=1", "ACCESS_LOG=access.log", "ACCESS_LOG_FORMAT=json")
	old := p.WaitWorkers(1)
	client := testproc.Dial(t, addr)
	client.Send("POST /block?touch=begun HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf")
	if res := client.Answer(); res.Status != 408 {
		t.Errorf("the client got %v, want 408", res)
	}
	d := theDeath(t, c)
	if d.Cause != "timeout" || d.Culprit != "POST /block" || d.Lost != 0 {
		t.Errorf("in short: %+v", d.Death)
	}
	if l := lostLines(t, p, 1)[0]; l.Status != 408 || l.URI != "/block" || l.Lost != "" || l.Death != d.ID {
		t.Errorf("the access log says %+v", l)
	}
	if line := p.WaitLog(0, died(old[0]), "the death"); line.Int("requests_lost") != 0 {
		t.Errorf("the log says %s", line.Text)
	}
	wantNoLine(t, p, 0, testproc.Msg(testproc.MsgLost), "an answered request is told as lost")
	s, err := c.Status(t.Context())
	if err != nil || s.Totals.Lost != 0 {
		t.Errorf("the totals say %d lost, %v", s.Totals.Lost, err)
	}
	p.Stop(0)
}

// TestAutopsyOfHandlersThatHang: the stack that is shown is where they hang,
// and not where the worker gave up.
func TestAutopsyOfHandlersThatHang(t *testing.T) {
	t.Parallel()
	p, addr, c := watched(t, "WEB_WORKERS=1", "WORKER_TIMEOUT=2", "GRACEFUL_TIMEOUT=1", "STREAM_TIMEOUT=1", "ACCESS_LOG=access.log", "ACCESS_LOG_FORMAT=json")
	p.WaitWorkers(1)
	done := []<-chan testproc.Result{background(addr, "/mutex"), background(addr, "/mutex")}
	for _, d := range done {
		if res := <-d; res.Status != 503 {
			t.Errorf("the client got %v, want 503", res)
		}
	}
	d := theDeath(t, c)
	if d.Cause != "timeout" || d.Culprit != "GET /mutex" || d.Lost != 0 {
		t.Errorf("in short: %+v", d.Death)
	}
	for _, want := range []string{"Culprit: GET /mutex", "Where: ", "testHandler at ", "testapp_test.go:", "WORKER_TIMEOUT"} {
		if !strings.Contains(head(d.Report), want) {
			t.Errorf("the first lines do not say %q:\n%s", want, head(d.Report))
		}
	}
	for _, l := range lostLines(t, p, 2) {
		if l.Status != 503 || l.URI != "/mutex" || l.Lost != "" || l.Death != d.ID {
			t.Errorf("the access log says %+v", l)
		}
	}
	wantNoLine(t, p, 0, testproc.Msg(testproc.MsgLost), "an answered request is told as lost")
	p.Stop(0)
}
