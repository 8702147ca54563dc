package console

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/supervisor/journal"
)

// desk is a master that remembers what it was asked.
type desk struct {
	Master // what is not below is not asked here
	asked  []string
	err    error
	health control.HealthState
	events *journal.Journal
}

func (d *desk) note(what string) { d.asked = append(d.asked, what) }

func (d *desk) Status(context.Context) (control.Status, error) {
	d.note("status")
	return control.Status{API: control.Version, Name: "<x>"}, d.err
}

func (d *desk) Health(context.Context) (control.Health, error) {
	return control.Health{State: d.health}, d.err
}

func (d *desk) Requests(_ context.Context, limit int) (control.Requests, error) {
	return control.Requests{Omitted: limit}, d.err
}
func (d *desk) Events(seq uint64) (control.Events, <-chan struct{}) { return d.events.Since(seq) }
func (d *desk) Reload(_ context.Context, wait bool) (control.Result, error) {
	if wait {
		d.note("wait")
	}
	return control.Result{Order: "reload"}, d.err
}

func (d *desk) Plan(context.Context) (control.Plan, error) {
	d.note("plan")
	return control.Plan{}, nil
}

func (d *desk) Scale(_ context.Context, o control.ScaleOrder) (control.Result, error) {
	d.note("scale")
	return control.Result{Order: "scale"}, d.err
}

func (d *desk) Recycle(context.Context, control.RecycleOrder) (control.Result, error) {
	d.note("recycle")
	return control.Result{}, d.err
}

func (d *desk) LogLevel(_ context.Context, o control.LevelOrder) (control.Result, error) {
	d.note(o.Level)
	return control.Result{}, d.err
}

func (d *desk) Profile(_ context.Context, slot int, kind string, seconds int, w io.Writer) error {
	d.note(kind)
	if d.err == nil {
		_, d.err = io.WriteString(w, "bytes")
		return d.err
	}
	return d.err
}

func TestRequestsAndTheirAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		request string // method, path, body
		err     error
		health  control.HealthState
		status  int
		has     string
		asked   string
	}{
		{request: "GET /v1/status", status: 200, has: `"name":"<x>"`, asked: "status"},
		{request: "GET /v1/status", err: errors.New("broken"), status: 500, has: `"failed"`, asked: "status"},
		{request: "GET /v1/status", err: &control.Error{Code: control.CodeLeaving, Message: "bye"}, status: 503, has: `"leaving"`, asked: "status"},
		{request: "GET /v1/health", health: control.HealthOK, status: 200, has: `"ok"`},
		{request: "GET /v1/health", health: control.HealthDegraded, status: 200, has: `"degraded"`},
		{request: "GET /v1/health", health: control.HealthDown, status: 503, has: `"down"`},
		{request: "GET /v1/requests", status: 200, has: `10000`},
		{request: "GET /v1/requests?limit=7", status: 200, has: `7`},
		{request: "GET /v1/requests?limit=-7", status: 400, has: `limit`},
		{request: "POST /v1/reload", status: 200, has: `"reload"`},
		{request: "POST /v1/reload?wait=1", status: 200, asked: "wait"},
		{request: "POST /v1/reload?dry_run=1", status: 200, asked: "plan"},
		{request: "POST /v1/reload", err: &control.Error{Code: control.CodeRefused, Message: "not now"}, status: 409, has: `not now`},
		{request: "GET /v1/reload", status: 400, has: `it is for POST`},
		{request: "DELETE /v1/status", status: 400, has: `it is for GET`},
		{request: "POST /v1/log-level", status: 400, has: `it is for PUT`},
		{request: "GET /v2/status", status: 404, has: `not_found`},
		{request: `POST /v1/scale {"workers":3}`, status: 200, asked: "scale"},
		{request: `POST /v1/scale {"delta":-1}`, status: 200, asked: "scale"},
		{request: `POST /v1/scale {"workers":3,"delta":1}`, status: 400, has: "either"},
		{request: `POST /v1/scale {"workers":-3}`, status: 400, has: "either"},
		{request: `POST /v1/scale {}`, status: 400, has: "either"},
		{request: `POST /v1/scale {"wrokers":3}`, status: 400, has: "wrokers"},
		{request: `POST /v1/scale`, status: 400, has: "cannot read"},
		{request: `POST /v1/recycle {"slot":0}`, status: 200, asked: "recycle"},
		{request: `POST /v1/recycle {"all":true}`, status: 200, asked: "recycle"},
		{request: `POST /v1/recycle {"slot":0,"all":true}`, status: 400, has: "either"},
		{request: `PUT /v1/log-level {"level":"debug"}`, status: 200, asked: "debug"},
		{request: "GET /v1/workers/0/profile?kind=heap", status: 200, has: "bytes", asked: "heap"},
		{request: "GET /v1/workers/0/profile?kind=soul", status: 400, has: "there are cpu"},
		{request: "GET /v1/workers/0/profile?kind=cpu&seconds=0", status: 400, has: "1 to"},
		{request: "GET /v1/workers/x/profile?kind=cpu", status: 400, has: "slot"},
		{request: "GET /v1/workers/0/profile?kind=cpu", err: &control.Error{Code: control.CodeSilent, Message: "hangs"}, status: 504, has: "hangs", asked: "cpu"},
	} {
		d := &desk{err: c.err, health: c.health, events: journal.New()}
		parts := strings.SplitN(c.request, " ", 3)
		body := ""
		if len(parts) == 3 {
			body = parts[2]
		}
		rec := httptest.NewRecorder()
		Handler(d, nil).ServeHTTP(rec, httptest.NewRequest(parts[0], parts[1], strings.NewReader(body)))
		if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.has) || strings.Join(d.asked, " ") != c.asked {
			t.Errorf("%s: %d %q, asked for %q; want %d, %q, %q", c.request, rec.Code, rec.Body, d.asked, c.status, c.has, c.asked)
		}
		if rec.Code >= 400 && !json.Valid(rec.Body.Bytes()) {
			t.Errorf("%s: the error is no JSON: %s", c.request, rec.Body)
		}
	}
}

func TestFollowersGetWhatComesAndEndWithTheMaster(t *testing.T) {
	t.Parallel()
	d := &desk{events: journal.New()}
	d.events.Add(control.Event{Text: "before"})
	leaving := make(chan struct{})
	server := httptest.NewServer(Handler(d, leaving))
	defer server.Close()
	res, err := http.Get(server.URL + "/v1/events?follow=1")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := json.NewDecoder(res.Body)
	next := func() control.Event {
		var e control.Event
		if err := lines.Decode(&e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := next(); e.Text != "before" || e.Seq != 1 {
		t.Errorf("the first is %+v", e)
	}
	d.events.Add(control.Event{Text: "then"})
	if e := next(); e.Text != "then" || e.Seq != 2 {
		t.Errorf("the second is %+v", e)
	}
	d.events.Add(control.Event{Text: "last"})
	close(leaving)
	if e := next(); e.Text != "last" || e.Seq != 3 {
		t.Errorf("the last is %+v", e)
	}
	if err := lines.Decode(new(control.Event)); !errors.Is(err, io.EOF) {
		t.Errorf("after the end of the master: %v, want the end", err)
	}
}

func TestOwnerOnly(t *testing.T) {
	t.Parallel()
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	for _, c := range []struct {
		peer any
		want int
	}{
		{peer{uid: 1000}, 200},
		{peer{uid: 0}, 200},
		{peer{uid: 1001}, 403},
		{peer{uid: -1}, 403},
		{peer{uid: 1000, err: errors.New("unknown")}, 403},
		{nil, 403}, // a server that forgot WithPeer lets nobody in
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r = r.WithContext(context.WithValue(r.Context(), peerKey{}, c.peer))
		rec := httptest.NewRecorder()
		OwnerOnly(ok, 1000).ServeHTTP(rec, r)
		if rec.Code != c.want {
			t.Errorf("%+v gets %d, want %d", c.peer, rec.Code, c.want)
		}
	}
}
