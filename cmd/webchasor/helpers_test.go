package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// start starts the test application. The times of the settings are scaled
// down; recycling is off unless a test is about it.
func start(t *testing.T, env ...string) *testproc.Process {
	t.Helper()
	return startWith(t, testproc.Options{App: appFastHTTP, Env: env})
}

func startWith(t *testing.T, o testproc.Options) *testproc.Process {
	t.Helper()
	o.Env = append([]string{
		"MAX_REQUESTS=0", "MAX_REQUESTS_JITTER=0", "KEEPALIVE=1",
		"GRACEFUL_TIMEOUT=8", "BOOT_TIMEOUT=15",
	}, o.Env...)
	return testproc.Start(t, o)
}

// background makes one request on a connection of its own and returns a
// channel with the result.
func background(addr, path string) <-chan testproc.Result {
	done := make(chan testproc.Result, 1)
	go func() {
		client := testproc.Client{Addr: addr, Fresh: true}
		done <- client.Get(path)
	}()
	return done
}

// begun waits until a request with touch=name is under way.
func begun(t *testing.T, p *testproc.Process, name string) {
	t.Helper()
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return exists(p.Path(name)) },
		"the request that touches "+name+" is under way")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// expectOK fails the test unless the request succeeded, and returns the pid that answered.
func expectOK(t *testing.T, res testproc.Result) int {
	t.Helper()
	if res.Outcome != testproc.OK {
		t.Errorf("a request failed: %v", res)
	}
	return workerOf(res)
}

func workerOf(res testproc.Result) int {
	pid, _ := strconv.Atoi(res.Header.Get(testproc.PIDHeader))
	return pid
}

// wantLine fails the test unless such a line follows the mark.
func wantLine(t *testing.T, p *testproc.Process, from int, match testproc.Match, what string) {
	t.Helper()
	if _, found := p.Log.Find(from, match); !found {
		t.Errorf("not in the log: %s", what)
	}
}

func wantNoLine(t *testing.T, p *testproc.Process, from int, match testproc.Match, what string) {
	t.Helper()
	if line, found := p.Log.Find(from, match); found {
		t.Errorf("%s: %s", what, line.Text)
	}
}

// disjoint fails the test when a pid is in both lists.
func disjoint(t *testing.T, a, b []int) {
	t.Helper()
	for _, pid := range a {
		if slices.Contains(b, pid) {
			t.Errorf("pid %d is in both %v and %v", pid, a, b)
		}
	}
}

// within fails the test when more time has passed. Bounds are generous: they
// tell "at once" from "at the wrong deadline", not fast from slow.
func within(t *testing.T, since time.Time, limit time.Duration, what string) {
	t.Helper()
	if took := time.Since(since); took > limit {
		t.Errorf("%s took %v, want at most %v", what, took.Round(time.Millisecond), limit)
	}
}

// refusedSoon waits until new connections are refused.
func refusedSoon(t *testing.T, addr string) {
	t.Helper()
	testproc.Eventually(t, testproc.Patience, testproc.Every,
		func() bool { return testproc.Refuses("tcp", addr) }, "new connections are refused")
}

// writeFile and removeFile switch a misbehaviour of the test application.
func writeFile(t *testing.T, p *testproc.Process, name string) {
	t.Helper()
	p.WriteFile(name, "")
}

func removeFile(t *testing.T, p *testproc.Process, name string) {
	t.Helper()
	if err := os.Remove(p.Path(name)); err != nil {
		t.Fatal(err)
	}
}

// onlyRecord waits for the record of a death and fails the test when there is not exactly one.
func onlyRecord(t *testing.T, p *testproc.Process) string {
	t.Helper()
	var found []string
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		found, _ = filepath.Glob(p.Path("state", "deaths", "*.txt"))
		return len(found) > 0
	}, "a record of a death")
	if len(found) != 1 {
		t.Fatalf("records %v, want one", found)
	}
	return found[0]
}

func contains(t *testing.T, file, text string) bool {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(data), text)
}
