package worker

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/handoff"
)

// shedTo hands n connections over without a drain.
func (tc *testCore) shedTo(to *testCore, n int) {
	tc.tb.Helper()
	tc.orders <- order{
		Order: handoff.Order{Kind: handoff.OrderShed, Count: n, Targets: []handoff.Target{{Slot: 1}}},
		fds:   []int{path(tc.tb, to)},
	}
}

// bounce hands n connections back and forth until stop.
func bounce(tb testing.TB, a, b *testCore, n int, stop <-chan struct{}) {
	const done = "connections handed over"
	for {
		select {
		case <-stop:
			return
		default:
		}
		before := a.logged(done)
		a.shedTo(b, n)
		eventually(tb, "the end of shedding", func() bool { return a.logged(done) > before })
		a, b = b, a
	}
}

// handedOver sums a figure of the log lines.
func handedOver(what string, cores ...*testCore) (sum int64) {
	for _, tc := range cores {
		for _, e := range tc.logs.FilterMessage("connections handed over").All() {
			sum += e.ContextMap()[what].(int64)
		}
	}
	return sum
}

func post(body string) string {
	return fmt.Sprintf("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func chunked(body string) string {
	return fmt.Sprintf("POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
}

// echoed reads one response and says what is wrong with it.
func (c *client) echoed(body string) error {
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	got, err := readAll(resp)
	if err != nil || got != body || resp.StatusCode != 200 || resp.Close {
		return fmt.Errorf("status %d, body %q, %v, closing %v; want %q", resp.StatusCode, got, err, resp.Close, body)
	}
	return nil
}

// pieces are the ways in which a client sends requests: each is written, then a moment passes.
var pieces = map[string]func(id string) []string{
	"one": func(id string) []string { return []string{post(id)} },
	"whole": func(id string) []string {
		return []string{post(id+"1") + chunked(id+"2") + "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n"}
	},
	"half": func(id string) []string {
		all := post(id+"1") + post(id+"2")
		cut := len(post(id+"1")) + rand.IntN(len(post(id+"2")))
		return []string{all[:cut], all[cut:]}
	},
	"lines": func(id string) []string {
		return strings.SplitAfter(post(id+"1")+post(id+"2"), "\n")
	},
	"bytes": func(id string) []string {
		return strings.Split(post(id+"1")+chunked(id+"2"), "")
	},
}

// wants are the bodies of the responses to a piece.
func wants(mode, id string) []string {
	switch mode {
	case "one":
		return []string{id}
	case "whole":
		return []string{id + "1", id + "2", "ok /ok"}
	}
	return []string{id + "1", id + "2"}
}

// speak sends and checks until stop.
func (c *client) speak(mode string, n int, stop <-chan struct{}) error {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return nil
		default:
		}
		id := fmt.Sprintf("%s-%d-%d-", mode, n, i)
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		for _, piece := range pieces[mode](id) {
			if _, err := c.Write([]byte(piece)); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			if rand.IntN(3) == 0 {
				moment(time.Duration(rand.IntN(1500)) * time.Microsecond)
			}
		}
		for _, want := range wants(mode, id) {
			if err := c.echoed(want); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
		}
	}
}

// moment lets time pass: what is tested is that every length of it is fine.
func moment(d time.Duration) { <-time.After(d) }

// Bytes arrive at every moment of a move, in every kind of piece: each request
// is answered once, in order, on the same connection.
func TestBytesAtEveryMoment(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		a, b := serveApp(t, app, anything), serveApp(t, app, anything)
		stop, results := make(chan struct{}), make(chan error, 32)
		clients := 0
		for mode := range pieces {
			for n := range 3 {
				c := a.dial()
				clients++
				go func() { results <- c.speak(mode, n, stop) }()
			}
		}
		bounced := make(chan struct{})
		go func() { defer close(bounced); bounce(t, a, b, 4, stop) }()
		eventually(t, "many moves", func() bool { return handedOver("moved", a, b) >= 100 })
		close(stop)
		<-bounced
		for range clients {
			if err := wait(t, "a client's end", results); err != nil {
				t.Error(err)
			}
		}
		if n := handedOver("failed", a, b); n != 0 {
			t.Errorf("%d connections failed", n)
		}
	})
}

// Two requests in two packets, cut at every byte, with a move in between.
func TestEveryCut(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		a, b := serveApp(t, app, anything), serveApp(t, app, anything)
		stop := make(chan struct{})
		c := a.dial()
		bounced := make(chan struct{})
		go func() { defer close(bounced); bounce(t, a, b, 1, stop) }()
		all := post("first") + post("second")
		for cut := 1; cut < len(all); cut++ {
			for _, pause := range []time.Duration{0, 300 * time.Microsecond, 3 * time.Millisecond} {
				c.send(all[:cut])
				moment(pause)
				c.send(all[cut:])
				for _, want := range []string{"first", "second"} {
					if err := c.echoed(want); err != nil {
						t.Fatalf("cut at %d, %v: %v", cut, pause, err)
					}
				}
			}
		}
		close(stop)
		<-bounced
	})
}

// A request of which a part is in the server's buffers keeps its connection here.
func TestHalfARequestStays(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		for _, half := range []string{"G", "GET", "GET /o", "GET /ok HTTP/1.1\r\n", "GET /ok HTTP/1.1\r\nHost: x\r\n", "GET /ok HTTP/1.1\r\nHost: x\r\n\r"} {
			a, b := serveApp(t, app, anything), serveApp(t, app, anything)
			c := a.dial()
			rest := "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n"[len(half):]
			c.send(post("whole") + half)
			if err := c.echoed("whole"); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the half is noticed", func() bool { return a.board.Snapshot().InFlight == 1 && a.board.Snapshot().Counters.Requests() == 1 })
			a.drainTo(handoff.DrainReload, b)
			eventually(t, "the drain", func() bool { return a.t.mover.Load() != nil && a.t.mover.Load().room() > 0 })
			moment(5 * time.Millisecond) // to be too late, if it were to go
			if n := a.t.conns.count(); n != 1 {
				t.Fatalf("%q: it has gone", half)
			}
			c.send(rest)
			if r := c.want(200); r.Close || r.body != "ok /ok" {
				t.Fatalf("%q: closing %v, %q", half, r.Close, r.body)
			}
			a.exited()
			c.get("/ok")
			c.want(200)
		}
	})
}
