package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestEveryLineIsWholeAndSigned: JSON, and who wrote it.
func TestEveryLineIsWholeAndSigned(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=4", "LOG_LEVEL=debug")
	addr := p.Up()
	load := testproc.StartLoad(t, testproc.Load{Addr: addr, Connecting: 8, Path: "/panic", Requests: 20})
	load.Wait()
	p.Stop(0)
	for _, line := range p.Log.Lines(0, nil) {
		if line.Fields == nil {
			t.Errorf("not a JSON line: %s", line.Text)
			continue
		}
		keys := []string{"time", "level", "msg", "pid", "role"}
		if line.Str("role") == "worker" {
			keys = append(keys, "slot", "generation")
		}
		for _, key := range keys {
			if _, there := line.Fields[key]; !there {
				t.Errorf("no %s in %s", key, line.Text)
			}
		}
	}
}

// TestReopenLosesNoLine rotates the access log under load, as logrotate does.
func TestReopenLosesNoLine(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=2", "ACCESS_LOG=access.log", "ACCESS_LOG_FORMAT=json", "LOG_FILE=main.log", "BIND=unix:s")
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return fileHas(p.Path("main.log"), `"msg":"ready"`) }, "the program is up")
	load := testproc.StartLoad(t, testproc.Load{Network: "unix", Addr: p.Path("s"), Busy: 4, Pace: time.Millisecond})
	for _, old := range []string{"access.log.1", "access.log.2"} {
		load.WaitRequests(100)
		if err := os.Rename(p.Path("access.log"), p.Path(old)); err != nil {
			t.Fatal(err)
		}
		p.Signal(syscall.SIGUSR1)
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return exists(p.Path("access.log")) }, "the new file is there")
	}
	load.WaitRequests(100)
	report := load.Stop()
	report.ExpectClean(t)
	p.Stop(0)
	lines := 0
	for _, name := range []string{"access.log", "access.log.1", "access.log.2"} {
		data, err := os.ReadFile(p.Path(name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(data) {
			lines++
			if !json.Valid(line) {
				t.Errorf("%s: not a whole line: %q", name, line)
			}
		}
	}
	if lines != report.Requests {
		t.Errorf("%d lines for %d requests", lines, report.Requests)
	}
}

func fileHas(path, text string) bool {
	data, _ := os.ReadFile(path)
	return strings.Contains(string(data), text)
}

// TestAccessLogOnStdout: one combined line per request.
func TestAccessLogOnStdout(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1", "ACCESS_LOG=-", "ACCESS_LOG_FORMAT=combined")
	testproc.Get(t, p.Up(), "/pid?x=1")
	p.Stop(0)
	lines := p.Out.Lines(0, nil)
	if len(lines) != 1 || !strings.Contains(lines[0].Text, `"GET /pid?x=1 HTTP/1.1" 200 `) {
		t.Errorf("standard output:\n%s", p.Out)
	}
}

// TestLastWords: what a worker prints reaches the log with its name.
func TestLastWords(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=1")
	addr := p.Up()
	worker := p.WaitWorkers(1)[0]
	testproc.Get(t, addr, "/stderr?text=hello-from-a-library")
	line := p.WaitLog(0, testproc.Text("hello-from-a-library"), "the worker's output")
	if line.Int(testproc.KeyPID) != worker {
		t.Errorf("not signed with pid %d: %s", worker, line.Text)
	}
	p.Stop(0)
}
