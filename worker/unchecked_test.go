package worker

import (
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
)

// Without any of its settings there is no checker; each of them brings it back.
func TestUnchecked(t *testing.T) {
	off := func(s *config.Settings) { s.HTTP = config.HTTP{LimitRequestHead: 16 << 10} }
	for name, app := range (&witness{}).apps() {
		tc := serveApp(t, app, off)
		if tc.t.entrance != nil {
			t.Errorf("%s: there is a checker", name)
		}
		c := tc.dial()
		for range 2 { // what strict refuses, and its connection goes on
			c.send("POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;;\r\nhello\r\n0\r\n\r\n")
			c.want(fasthttp.StatusOK)
		}
	}
	for name, on := range map[string]func(*config.HTTP){
		"strict":         func(h *config.HTTP) { h.Strict = true },
		"line":           func(h *config.HTTP) { h.LimitRequestLine = 64 },
		"fields":         func(h *config.HTTP) { h.LimitRequestFields = 1 },
		"field size":     func(h *config.HTTP) { h.LimitRequestFieldSize = 64 },
		"body":           func(h *config.HTTP) { h.LimitRequestBody = 1024 },
		"memory":         func(h *config.HTTP) { h.LimitRequestMemory = 1 << 20 },
		"header timeout": func(h *config.HTTP) { h.HeaderTimeout = 1 },
		"body timeout":   func(h *config.HTTP) { h.BodyTimeout = 1 },
	} {
		var s config.Settings
		off(&s)
		on(&s.HTTP)
		if newEntrance(s, false, true) == nil {
			t.Errorf("%s alone brings no checker", name)
		}
	}
}
