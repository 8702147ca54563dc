package testproc

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// PIDHeader is the response header in which a test application names the
// process that answered.
const PIDHeader = "X-Worker-Pid"

// Load describes clients that send requests side by side.
type Load struct {
	Network, Addr string
	// TLS of the clients; nil is none.
	TLS *tls.Config
	// Busy clients keep their connection and send without pause (Pace apart);
	// Thinking ones keep it and wait Think between requests; Connecting ones
	// use a connection per request, with Pace between them.
	Busy, Thinking, Connecting int
	Pace, Think                time.Duration
	// Requests bounds each client; 0 is until Stop.
	Requests int
	// Timeout of one request; 0 is [Patience].
	Timeout time.Duration
	// Method, Path and Body of every request; "" is GET /pid.
	Method, Path, Body string
}

// Running is a load under way.
type Running struct {
	t    T
	stop chan struct{}
	once sync.Once
	wait sync.WaitGroup

	mu     sync.Mutex
	report Report
}

// Report counts what the clients saw.
type Report struct {
	Requests int
	Outcomes map[Outcome]int
	PIDs     map[string]int // answers by process
	// Connects, Announced, IdleClosed are summed over the clients, see [Client].
	Connects, Announced, IdleClosed int
	// Failures describes the first few requests that were not OK.
	Failures []string
}

// StartLoad starts the clients. The test's cleanup stops them.
func StartLoad(t T, load Load) *Running {
	if load.Path == "" {
		load.Path = "/pid"
	}
	if load.Method == "" {
		load.Method = http.MethodGet
	}
	r := &Running{t: t, stop: make(chan struct{})}
	r.report.Outcomes, r.report.PIDs = map[Outcome]int{}, map[string]int{}
	start := func(n int, kind string, pause time.Duration, fresh bool) {
		for i := range n {
			client := &Client{Network: load.Network, Addr: load.Addr, TLS: load.TLS, Timeout: load.Timeout, Fresh: fresh}
			r.wait.Go(func() { r.client(load, client, fmt.Sprintf("%s %d", kind, i), pause) })
		}
	}
	start(load.Busy, "busy", load.Pace, false)
	start(load.Thinking, "thinking", load.Think, false)
	start(load.Connecting, "connecting", load.Pace, true)
	t.Cleanup(func() { r.Stop() })
	return r
}

// client is the life of one client.
func (r *Running) client(load Load, c *Client, name string, pause time.Duration) {
	defer func() {
		c.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.Connects += c.Connects
		r.report.Announced += c.Announced
		r.report.IdleClosed += c.IdleClosed
	}()
	for n := 0; load.Requests == 0 || n < load.Requests; n++ {
		if !Pause(pause, r.stop) {
			return
		}
		r.add(name, c.Do(load.Method, load.Path, load.Body))
	}
}

func (r *Running) add(name string, res Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Requests++
	r.report.Outcomes[res.Outcome]++
	if pid := res.Header.Get(PIDHeader); pid != "" {
		r.report.PIDs[pid]++
	}
	if res.Outcome != OK && len(r.report.Failures) < 20 {
		r.report.Failures = append(r.report.Failures,
			fmt.Sprintf("%s at %s: %v", name, time.Now().UTC().Format("15:04:05.000"), res))
	}
}

// Stop ends the load and returns the report. Requests under way are finished.
func (r *Running) Stop() Report {
	r.once.Do(func() { close(r.stop) })
	return r.Wait()
}

// Wait waits until every client has sent its Requests, or Stop was called.
func (r *Running) Wait() Report {
	r.wait.Wait()
	return r.Now()
}

// Now is the report so far; connection counts come at the end.
func (r *Running) Now() Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.report
	now.Outcomes, now.PIDs = maps.Clone(r.report.Outcomes), maps.Clone(r.report.PIDs)
	now.Failures = slices.Clone(now.Failures)
	return now
}

// WaitRequests waits until n more requests have been answered, whatever the answer.
func (r *Running) WaitRequests(n int) {
	r.t.Helper()
	goal := r.Now().Requests + n
	Eventually(r.t, Patience, Every, func() bool { return r.Now().Requests >= goal }, fmt.Sprintf("%d more requests", n))
}

// Failed counts the requests that were not OK.
func (r Report) Failed() int { return r.Requests - r.Outcomes[OK] }

// ExpectClean fails the test when a request failed, or when there was none.
func (r Report) ExpectClean(t T) {
	t.Helper()
	if r.Failed() > 0 || r.Requests == 0 {
		t.Errorf("the load was not served cleanly: %v", r)
	}
}

// String is for failure messages.
func (r Report) String() string {
	return fmt.Sprintf("%d requests, outcomes %v, %d processes, %d connections made, %d closed with notice, %d closed while idle\n%s",
		r.Requests, r.Outcomes, len(r.PIDs), r.Connects, r.Announced, r.IdleClosed, strings.Join(r.Failures, "\n"))
}
