package supervisor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/logs"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/autopsy"
)

func TestUndertakerWorksInOrderAndNeverWaits(t *testing.T) {
	u := newUndertaker(2)
	begun, hold := make(chan struct{}), make(chan struct{})
	var done []int
	u.submit(func() { close(begun); <-hold; done = append(done, 0) })
	<-begun // it is at work, so two more have room
	for i := 1; i <= 2; i++ {
		if !u.submit(func() { done = append(done, i) }) {
			t.Errorf("job %d was refused", i)
		}
	}
	if u.submit(func() { done = append(done, 3) }) || u.lost.Load() != 1 {
		t.Error("a fourth job was taken: the disk hangs")
	}
	if u.flush(time.Millisecond) {
		t.Error("a hanging job counts as done")
	}
	close(hold)
	if !u.flush(time.Minute) {
		t.Error("not done in time")
	}
	if !slices.Equal(done, []int{0, 1, 2}) {
		t.Errorf("done %v", done)
	}
}

// TestLostLines: both formats say which requests died, in lines like all others.
func TestLostLines(t *testing.T) {
	r := autopsy.Record{
		Time: time.Date(2026, 11, 22, 22, 0, 9, 0, time.UTC), PID: 12, Slot: 3,
		Verdict: autopsy.Verdict{Cause: autopsy.CausePanic, Abnormal: true},
		InFlight: []autopsy.Request{
			{Method: "GET", Path: "/a \"b\"", Client: "192.0.2.7:4444", Age: 9 * time.Second, BytesOut: 5},
			{Client: "unix", Age: time.Second}, // not parsed yet
			{Method: "GET", Path: "/hung", Client: "192.0.2.7:4", BytesOut: 278, Flags: []string{autopsy.FlagAnswered}},
			{Method: "POST", Path: "/late", Client: "192.0.2.7:5", BytesOut: 270, Flags: []string{autopsy.FlagAnswered, flagTooSlow}},
		},
	}
	for format, want := range map[logs.AccessFormat][]string{
		logs.Combined:   {`192.0.2.7 - - [`, `"GET /a \"b\" -" 502 5 "-" "lost:panic"`, `- - - [`, `"- - -" 502 0 "-" "lost:panic"`, `"GET /hung -" 503 278 "-" "-"`, `"POST /late -" 408 270 "-" "-"`},
		logs.AccessJSON: {`"remote":"192.0.2.7"`, `"status":502`, `"duration":9.000000`, `"lost":"panic","death":"20261122T220009.000Z-pid12-slot3-panic"`, `"slot":3`},
	} {
		path := filepath.Join(t.TempDir(), "access.log")
		fd, err := sys.DupCloexec(2)
		if err != nil {
			t.Fatal(err)
		}
		if err := writeLost(path, format, fd, lostLines(r)); err != nil {
			t.Fatal(err)
		}
		_ = sys.CloseFD(fd)
		text, err := os.ReadFile(path)
		if err != nil || strings.Count(string(text), "\n") != 4 {
			t.Errorf("%s: %v, %q", format, err, text)
		}
		if n := strings.Count(string(text), "lost:panic"); n != 2 || strings.Count(string(text), `"lost"`) > 2 {
			t.Errorf("%s: two got no answer, and %d are told as lost:\n%s", format, n, text)
		}
		for _, w := range want {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s: %s is not in\n%s", format, w, text)
			}
		}
	}
	fd, _ := sys.DupCloexec(2)
	defer func() { _ = sys.CloseFD(fd) }()
	if err := writeLost(filepath.Join(t.TempDir(), "no", "such", "place"), logs.Combined, fd, lostLines(r)); err == nil {
		t.Error("an impossible log is no error")
	}
}

func TestProcessState(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc here")
	}
	if got := processState(os.Getpid()); !strings.HasPrefix(got, "the process ") {
		t.Errorf("this process: %q", got)
	}
	if got := processState(1 << 30); got != "" {
		t.Errorf("nobody: %q", got)
	}
}
