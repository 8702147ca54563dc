package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDashboardStream: the page's stream begins with what is known, tells a death at once
// with the name of its autopsy, and says goodbye when the master leaves.
func TestDashboardStream(t *testing.T) {
	t.Parallel()
	p := start(t, "ADMIN_BIND=0", "WEB_WORKERS=2", setupEnv+"=none")
	admin := adminOf(t, p, 0)
	p.Up()
	workers := p.WaitWorkers(2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/api/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("%d %q", resp.StatusCode, kind)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 4<<20)

	type update struct {
		Status *struct {
			Workers []struct{ Slot, Pid int }
		}
		Events []struct {
			Seq   uint64
			Kind  string
			Death string
		}
	}
	// next is one update; goodbye is true for the last.
	next := func() (u update, goodbye bool) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == "event: leaving" {
				return u, true
			}
			if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
				if err := json.Unmarshal([]byte(data), &u); err != nil {
					t.Fatalf("%s: %v", data, err)
				}
				return u, false
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return u, false
	}

	first, _ := next()
	if len(first.Events) == 0 {
		t.Fatal("the first update has no events")
	}
	seq := first.Events[len(first.Events)-1].Seq
	// A master that is kept waiting by the machine is shown without its status, for a second.
	for first.Status == nil {
		first, _ = next()
		for _, e := range first.Events {
			seq = e.Seq
		}
	}
	if len(first.Status.Workers) != 2 {
		t.Fatalf("%d workers, want 2", len(first.Status.Workers))
	}
	p.SignalPID(workers[0], syscall.SIGKILL)
	var death string
	for death == "" {
		u, goodbye := next()
		if goodbye {
			t.Fatal("it says goodbye, and nobody leaves")
		}
		for _, e := range u.Events {
			if e.Seq <= seq {
				t.Errorf("event %d is told twice", e.Seq)
			}
			seq = e.Seq
			if e.Death != "" {
				death = e.Death
			}
		}
	}
	if status, report := askAdmin(t, http.MethodGet, admin, "/api/v1/deaths/"+death, "", ""); status != http.StatusOK || !strings.Contains(report, "SIGKILL") {
		t.Errorf("the autopsy %s: %d %s", death, status, report)
	}
	p.WaitReplaced(workers[:1], 2)
	p.Signal(syscall.SIGTERM)
	for {
		if _, goodbye := next(); goodbye {
			break
		}
	}
	cancel()
	p.ExpectExit(0)
}
