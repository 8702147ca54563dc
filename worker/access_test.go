package worker

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/logs"
)

func TestAccessLog(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		path := filepath.Join(t.TempDir(), "access")
		sink, err := logs.Open(path, os.Stdout)
		if err != nil {
			t.Fatal(err)
		}
		access := logs.NewAccess(sink, logs.AccessJSON)
		tc := serveApp(t, app, func(s *config.Settings) { s.Timeout = 300 * time.Millisecond },
			func(o *coreOptions) { o.Access = access; o.Slot = 7 })
		c := tc.dial()
		c.send("GET /ok?q=1 HTTP/1.1\r\nHost: x\r\nReferer: http://r\r\nUser-Agent: test/1\r\n\r\n")
		c.want(200)
		c.get("/panic")
		c.want(500)
		c.get("/stream/fine")
		c.want(200)
		c.get("/wait") // refused by the watchdog while the handler runs
		c.want(503)
		c.closed()
		eventually(t, "the connection's end", func() bool { return tc.t.conns.count() == 0 })
		if err := access.Close(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) != 4 {
			t.Fatalf("%d lines: %s", len(lines), text)
		}
		for i, want := range []struct {
			uri    string
			status float64
			bytes  float64
		}{
			{"/ok?q=1", 200, 6},
			{"/panic", 500, float64(len(panicBody))},
			{"/stream/fine", 200, 11},
			{"/wait", 503, float64(len(refusals[refusal{503, ErrTimeout}]))},
		} {
			var got map[string]any
			if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
				t.Fatal(err)
			}
			if got["uri"] != want.uri || got["status"] != want.status || got["bytes"] != want.bytes || got["slot"] != 7.0 {
				t.Errorf("line %d: %v, want %+v", i, got, want)
			}
			if i == 0 && (got["referer"] != "http://r" || got["user_agent"] != "test/1" || got["method"] != "GET" || got["proto"] != "HTTP/1.1") {
				t.Errorf("line %v", got)
			}
		}
	})
}
