package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

func TestScenario39StalePidfileIsReplaced(t *testing.T) {
	cases := map[string]string{"dead pid": "4194304\n", "garbage": "not a pid\n", "empty": ""}
	for name, content := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(dir+"/pid", []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			p := startWith(t, testproc.Options{App: appFastHTTP, Dir: dir, Env: []string{"PIDFILE=pid"}})
			p.Up()
			expectPidfile(t, p, p.PID())
			p.Stop(0)
			if exists(p.Path("pid")) {
				t.Error("the pidfile is left after the stop")
			}
		})
	}
}

func TestScenario39LivePidIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	live := strconv.Itoa(os.Getpid())
	if err := os.WriteFile(dir+"/pid", []byte(live+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startWith(t, testproc.Options{App: appFastHTTP, Dir: dir, Env: []string{"PIDFILE=pid"}})
	p.ExpectExit(1)
	p.WaitLog(0, testproc.Text("pid", live), "the refusal names the live pid")
	if data, _ := os.ReadFile(dir + "/pid"); string(data) != live+"\n" {
		t.Errorf("the live instance's pidfile became %q", data)
	}
}

// TestPortInUse: the second instance is refused with a remedy, the first one
// does not notice.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	first := start(t)
	addr := first.Up()
	second := start(t, "BIND="+addr)
	second.ExpectExit(1)
	second.WaitLog(0, testproc.Text("cannot bind "+addr, "port in use"), "the reason")
	testproc.Get(t, addr, "/pid")
	first.Signal(syscall.SIGTERM)
	first.ExpectExit(0)
}

// TestBadInputIsRefused starts nothing and says why.
func TestBadInputIsRefused(t *testing.T) {
	cases := map[string]struct {
		env  string
		says []string
	}{
		"zero workers":     {"WEB_WORKERS=0", []string{"WEB_WORKERS", "0"}},
		"negative workers": {"WEB_WORKERS=-3", []string{"WEB_WORKERS", "-3"}},
		"absurd workers":   {"WEB_WORKERS=1e9", []string{"WEB_WORKERS", "1e9"}},
		"no number":        {"WEB_WORKERS=abc", []string{"WEB_WORKERS", "abc"}},
		"no directory":     {"PIDFILE=missing/dir/pid", []string{"missing/dir"}},
		"access log":       {"ACCESS_LOG=missing/dir/log", []string{"access log", "missing/dir"}},
		"log path":         {"LOG_FILE=missing/dir/log", []string{"missing/dir"}},
		"address":          {"BIND=nonsense:port:8000", []string{"BIND", "nonsense"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, c.env)
			p.ExpectExit(1)
			p.WaitLog(0, testproc.Text(c.says...), fmt.Sprintf("the reason names %q", c.says))
		})
	}
}
