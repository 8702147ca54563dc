package main

import (
	"strings"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestOpenProxyIsSaid wherever an operator looks, until it is said to be meant.
func TestOpenProxyIsSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		env   []string
		warns bool
	}{
		{"open", nil, true},
		{"meant", []string{"ALLOW_ANONYMOUS=true"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			socket := dir + "/control.sock"
			env := append([]string{
				"BIND=0.0.0.0:0", "OPENAI_API_KEY=sk-upstream", "OPENAI_BASE_URL=http://127.0.0.1:1/v1", "CONTROL_SOCKET=" + socket, "WEB_WORKERS=1",
			}, c.env...)
			says := func(where, text string) {
				t.Helper()
				if strings.Contains(text, "open proxy: ") != c.warns {
					t.Errorf("%s speaks of an open proxy: %v, want %v:\n%s", where, !c.warns, c.warns, text)
				}
				if strings.Contains(text, "sk-upstream") {
					t.Errorf("%s shows the key", where)
				}
			}
			check := startWith(t, testproc.Options{App: appAPI, Args: []string{"check"}, Env: env})
			check.ExpectExit(0)
			says("check", check.Out.String())

			p := startWith(t, testproc.Options{App: appAPI, Dir: dir, Env: env})
			p.Up()
			says("the log", p.Log.String())
			if c.warns {
				wantLine(t, p, 0, testproc.Both(testproc.Text("open proxy: "), testproc.Level("warn")), "a warning")
			}
			says("status", command(t, 0, "status", "--socket", socket))
			p.Stop(0)
		})
	}
}
