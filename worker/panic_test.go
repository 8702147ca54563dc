package worker

import (
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
)

func TestPanicIsA500(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(*config.Settings) {})
		c := tc.dial()
		for range 2 {
			c.get("/panic")
			r := c.want(500)
			if !strings.Contains(r.body, `"code":"internal_error"`) || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%v %q", r.Header, r.body)
			}
		}
		c.get("/ok") // the same connection goes on
		c.want(200)
		if n := tc.board.Snapshot().Counters; n.Panics != 2 || n.ByClass[5] != 2 {
			t.Errorf("counters %+v", n)
		}
		lines := tc.logs.FilterMessage("handler panicked").All()
		if len(lines) != 2 || !strings.Contains(lines[0].ContextMap()["stack"].(string), "waitFor") {
			t.Errorf("log lines %v", lines)
		}
	})
}

func TestBrokenStreams(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(*config.Settings) {})
		for _, path := range []string{"/stream/error", "/stream/panic"} {
			c := tc.dial()
			c.get(path)
			if r := c.want(200); r.bodyErr == nil || r.body != "first\n" {
				t.Errorf("%s: %v, %q", path, r.bodyErr, r.body)
			}
		}
		if n := tc.board.Snapshot().Counters.Panics; n != 1 {
			t.Errorf("%d panics", n)
		}
		c := tc.dial()
		c.get("/stream/fine")
		if r := c.want(200); r.bodyErr != nil || r.body != "first\nlast\n" {
			t.Errorf("%v, %q", r.bodyErr, r.body)
		}
		eventually(t, "streams back to none", func() bool { return tc.board.Snapshot().Streams == 0 })
	})
}

// A stream's function never runs when there is no body to write.
func TestStreamOfHead(t *testing.T) {
	p := newProbe()
	tc := serveApp(t, p.fast(), func(*config.Settings) {})
	c := tc.dial()
	c.send("HEAD /stream/fine HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(c.r, &http.Request{Method: http.MethodHead})
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	c.get("/ok")
	c.want(200)
	if len(p.entered) != 0 {
		t.Error("the function ran")
	}
}

func TestPanicAfterTheResponseBegan(t *testing.T) {
	app := App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half"))
		_ = http.NewResponseController(w).Flush()
		panic("as ordered")
	})}
	tc := serveApp(t, app, func(*config.Settings) {})
	c := tc.dial()
	c.get("/")
	if r := c.want(200); r.bodyErr == nil || r.body != "half" {
		t.Errorf("%v, %q", r.bodyErr, r.body)
	}
	if tc.logged("handler panicked") != 1 {
		t.Error("not logged")
	}
}

func TestAbortHandlerPasses(t *testing.T) {
	app := App{HTTP: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })}
	tc := serveApp(t, app, func(*config.Settings) {})
	c := tc.dial()
	c.get("/")
	c.closed()
	if tc.logged("handler panicked") != 0 || tc.board.Snapshot().Counters.Panics != 0 {
		t.Error("counted as a panic")
	}
}

func TestBadRequests(t *testing.T) {
	tc := serveApp(t, newProbe().fast(), func(*config.Settings) {},
		func(o *coreOptions) {
			o.App.TuneFastHTTP = func(s *fasthttp.Server) { s.MaxRequestBodySize = 10 }
		})
	for text, status := range map[string]int{
		"nonsense\r\n\r\n": 400,
		"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 8192) + "\r\n\r\n":          431,
		"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world": 413,
	} {
		c := tc.dial()
		c.send(text)
		if r := c.want(status); !strings.Contains(r.body, `"error"`) {
			t.Errorf("%d: %q", status, r.body)
		}
	}
	eventually(t, "three counted", func() bool { return tc.board.Snapshot().Counters.ByClass[4] == 3 })
}
