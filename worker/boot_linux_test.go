package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
)

// setupEnv chooses what the application of a re-executed test binary does.
const setupEnv = "WORKER_TEST_SETUP"

// TestMain lets the test binary be the worker process, exactly as a program is.
func TestMain(m *testing.M) {
	if os.Getenv(handoff.RoleEnv) == handoff.RoleWorker {
		os.Exit(Run(Options{App: bootApp()}))
	}
	os.Exit(m.Run())
}

func bootApp() App {
	a := App{Setup: func(ctx context.Context, w *Info) error {
		switch os.Getenv(setupEnv) {
		case "fail":
			return errors.New("no database")
		case "panic":
			panic("as ordered")
		case "hang":
			w.Logger.Info("hanging")
			select {}
		}
		w.FastHTTP = func(ctx *fasthttp.RequestCtx) { bootHandler(ctx, w) }
		return nil
	}}
	if os.Getenv(setupEnv) == "nothing" {
		a.Setup = nil
	}
	return a
}

func bootHandler(ctx *fasthttp.RequestCtx, w *Info) {
	switch string(ctx.Path()) {
	case "/block":
		Stream(ctx, func(_ context.Context, w *StreamWriter) error {
			_, _ = w.WriteString("here")
			_ = w.Flush()
			select {}
		})
		return
	case "/spin":
		for { //nolint:staticcheck // a handler that hangs without ever yielding
		}
	case "/die":
		go func() { panic("nobody recovers this") }()
		select {}
	case "/slow":
		<-time.After(300 * time.Millisecond)
	}
	fmt.Fprintf(ctx, "%d %d %d", w.Slot, w.Generation, w.PID)
}

func TestProcessServesAndDrains(t *testing.T) {
	n := bear(t, birth{})
	n.expect(handoff.ReportReady)
	s := n.board.Snapshot()
	if s.PID != n.pid || s.State != scoreboard.StateReady || s.Beat == 0 {
		t.Errorf("scoreboard %+v", s)
	}
	if comm := n.proc("comm"); comm != "nursling\n" {
		t.Errorf("comm %q", comm)
	}
	c := n.dial()
	c.get("/")
	if r := c.want(200); r.body != fmt.Sprintf("3 4 %d", n.pid) {
		t.Errorf("body %q", r.body)
	}
	if slot := must(n.ledger.Slot(3))(t); slot.Counts().Accepted != 1 {
		t.Errorf("the slot's counters: %+v", slot.Counts())
	}
	n.order(handoff.Order{Kind: handoff.OrderDrain, Reason: handoff.DrainStop})
	c.get("/")
	_ = c.read() // draining or not yet
	_ = c.Close()
	n.expect(handoff.ReportClosed)
	n.exits(0)
	for line := range strings.Lines(n.log) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if e["pid"] != float64(n.pid) || e["role"] != "worker" || e["slot"] != 3.0 || e["generation"] != 4.0 {
			t.Errorf("line %s", line)
		}
	}
	if n.words != "" {
		t.Errorf("standard error: %q", n.words)
	}
}

// No descriptor may be left that a program started by the application inherits, and
// none that nobody owns.
func TestProcessDescriptors(t *testing.T) {
	n := bear(t, birth{})
	n.expect(handoff.ReportReady)
	listeners := 0
	for _, e := range must(os.ReadDir(fmt.Sprintf("/proc/%d/fd", n.pid)))(t) {
		target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", n.pid, e.Name()))
		if err != nil {
			continue
		}
		fd := must(strconv.Atoi(e.Name()))(t)
		if own, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && own == target && fd > handoff.FDListener {
			continue // whoever started the test left it open to everybody
		}
		info := n.proc("fdinfo/" + e.Name())
		var flags int64
		for line := range strings.Lines(info) {
			if v, ok := strings.CutPrefix(line, "flags:"); ok {
				flags = must(strconv.ParseInt(strings.TrimSpace(v), 8, 64))(t)
			}
		}
		if fd > 2 && flags&syscall.O_CLOEXEC == 0 {
			t.Errorf("descriptor %d (%s) would be inherited", fd, target)
		}
		if strings.HasPrefix(target, "socket:") {
			listeners++
			if flags&syscall.O_NONBLOCK == 0 {
				t.Errorf("descriptor %d (%s) blocks", fd, target)
			}
		}
		if strings.Contains(target, "scoreboard") || target == os.DevNull && fd > 2 {
			t.Errorf("descriptor %d (%s) is still open", fd, target)
		}
	}
	if listeners != 2 { // the listener and the control channel, once each
		t.Errorf("%d sockets", listeners)
	}
	n.order(handoff.Order{Kind: handoff.OrderQuit})
	n.exits(0)
}

func TestProcessBootFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		b    birth
		code int
		want string
	}{
		"setup fails":    {birth{setup: "fail"}, handoff.ExitLoad, "no database"},
		"setup panics":   {birth{setup: "panic"}, handoff.ExitLoad, "as ordered"},
		"no handler":     {birth{setup: "nothing"}, handoff.ExitBoot, "exactly one"},
		"no boot":        {birth{boot: "{"}, handoff.ExitBoot, "boot message"},
		"no board":       {birth{badBoard: true}, handoff.ExitBoot, "scoreboard"},
		"bad log level":  {birth{change: func(s *config.Settings) { s.LogLevel = "loud" }}, handoff.ExitBoot, "loud"},
		"bad log file":   {birth{change: func(s *config.Settings) { s.LogFile = "/nonexistent/log" }}, handoff.ExitBoot, "/nonexistent/log"},
		"bad access log": {birth{change: func(s *config.Settings) { s.AccessLog = "/nonexistent/log" }}, handoff.ExitBoot, "/nonexistent/log"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := bear(t, tt.b)
			if r := n.expect(handoff.ReportFailed); !strings.Contains(r.Error, tt.want) {
				t.Errorf("report %q", r.Error)
			}
			n.exits(tt.code)
			if !strings.Contains(n.words, tt.want) {
				t.Errorf("last words %q", n.words)
			}
		})
	}
}

// Signals to the whole family are the master's business; SIGTERM asks to be replaced.
func TestProcessSignals(t *testing.T) {
	n := bear(t, birth{})
	n.expect(handoff.ReportReady)
	for _, sig := range []syscall.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGWINCH,
	} {
		for range 3 {
			if err := syscall.Kill(n.pid, sig); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := n.dial()
	c.get("/")
	c.want(200)
	for line := range strings.Lines(n.proc("status")) {
		if v, ok := strings.CutPrefix(line, "SigIgn:"); ok && strings.Trim(v, "\t\n0") != "" {
			t.Errorf("ignored signals are inherited by the application's children: %s", v)
		}
	}
	c.get("/slow")
	eventually(t, "the request", func() bool { return n.board.Snapshot().InFlight == 1 })
	if err := syscall.Kill(n.pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	n.expect(handoff.ReportTerm)
	if err := syscall.Kill(n.pid, syscall.SIGTERM); err != nil { // does not wait for a replacement
		t.Fatal(err)
	}
	if r := c.want(200); !r.Close {
		t.Error("no Connection: close")
	}
	n.exits(0)
}

// A setup that hangs delays nobody.
func TestProcessLeavesWhileSettingUp(t *testing.T) {
	for name, leave := range map[string]func(*nursery){
		"drain":       func(n *nursery) { n.order(handoff.Order{Kind: handoff.OrderDrain, Reason: handoff.DrainStop}) },
		"quit":        func(n *nursery) { n.order(handoff.Order{Kind: handoff.OrderQuit}) },
		"SIGTERM":     func(n *nursery) { _ = syscall.Kill(n.pid, syscall.SIGTERM) },
		"master dies": func(n *nursery) { _ = n.channel.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := bear(t, birth{setup: "hang"})
			eventually(t, "booting", func() bool { return n.board.Snapshot().State == scoreboard.StateBooting })
			leave(n)
			n.exits(0)
		})
	}
}

func TestProcessOutlivesItsMaster(t *testing.T) {
	n := bear(t, birth{})
	n.expect(handoff.ReportReady)
	c := n.dial()
	c.get("/slow")
	eventually(t, "the request", func() bool { return n.board.Snapshot().InFlight == 1 })
	if err := n.channel.Close(); err != nil {
		t.Fatal(err)
	}
	if r := c.want(200); !r.Close {
		t.Error("no Connection: close")
	}
	n.exits(0)
	if _, err := net.Dial("tcp", n.addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the address is not free: %v", err)
	}
}

func TestProcessWritesItsStacks(t *testing.T) {
	n := bear(t, birth{})
	n.expect(handoff.ReportReady)
	c := n.dial()
	c.get("/block")
	if _, err := c.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(n.pid, syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	n.exits(2)
	if s := n.stacks(); !strings.Contains(s, "bootHandler") || !strings.Contains(s, "(*core).run") {
		t.Errorf("stacks: %s", s)
	}
}

// A panic outside the handler's goroutine cannot be recovered; the evidence must
// show all goroutines.
func TestProcessDiesOfAPanic(t *testing.T) {
	n := bear(t, birth{})
	n.expect(handoff.ReportReady)
	n.dial().get("/die")
	n.exits(2)
	for _, text := range []string{n.stacks(), n.words} {
		if !strings.Contains(text, "nobody recovers this") || !strings.Contains(text, "(*core).run") {
			t.Errorf("stacks: %s", text)
		}
	}
	if r := n.board.InFlight(sys.Monotonic()); len(r) != 1 || r[0].Path != "/die" {
		t.Errorf("in flight: %+v", r)
	}
}

// A worker that is replaced because of a handler that never returns leaves its stacks.
func TestProcessAbortsAStuckDrain(t *testing.T) {
	n := bear(t, birth{change: func(s *config.Settings) {
		s.Timeout, s.GracefulTimeout, s.StreamTimeout = 200*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	}})
	n.expect(handoff.ReportReady)
	c := n.dial()
	c.get("/spin")
	c.want(503)
	if r := n.expect(handoff.ReportStuck); r.Request != "GET /spin" {
		t.Errorf("report %+v", r)
	}
	n.order(handoff.Order{Kind: handoff.OrderDrain, Reason: handoff.DrainTimeout})
	n.exits(2)
	if !strings.Contains(n.stacks(), "bootHandler") {
		t.Error("no stacks")
	}
	if !strings.Contains(n.log, "leaving although handlers have not returned") {
		t.Errorf("log: %s", n.log)
	}
}

func TestProcessReopensItsLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	n := bear(t, birth{change: func(s *config.Settings) { s.LogFile = path }})
	n.expect(handoff.ReportReady)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	n.order(handoff.Order{Kind: handoff.OrderReopen})
	n.order(handoff.Order{Kind: handoff.OrderLogLevel, LogLevel: "debug"})
	n.order(handoff.Order{Kind: "surprise"})
	n.order(handoff.Order{Kind: handoff.OrderDrain, Reason: handoff.DrainScale})
	n.order(handoff.Order{Kind: handoff.OrderDrain, Reason: handoff.DrainScale})
	n.exits(0)
	text := string(must(os.ReadFile(path))(t))
	for _, want := range []string{"unknown order", "draining", "worker exits"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the new log: %s", want, text)
		}
	}
}
