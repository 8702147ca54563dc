package worker

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/blackbox"
	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/ledger"
	"github.com/webchasor/webchasor/internal/permits"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
)

// nursery is the master's side of one worker process.
type nursery struct {
	t       *testing.T
	pid     int
	channel *sys.Channel
	board   *scoreboard.Board
	ledger  *ledger.Ledger
	crash   *os.File
	addr    string
	log     string      // what the worker logged, after its end
	words   string      // its standard error, after its end
	status  chan status // one value
	dir     string
}

type status struct {
	code int // -1 for a signal
	log  string
	word string
}

type birth struct {
	setup    string
	boot     string // instead of the boot message
	badBoard bool
	change   func(*config.Settings)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// bear starts a worker as the master does.
func bear(t *testing.T, b birth) *nursery {
	t.Helper()
	n := &nursery{t: t, status: make(chan status, 1), dir: t.TempDir()}
	ours, theirs, err := sys.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	n.channel = must(sys.NewChannel(ours))(t)
	t.Cleanup(func() { _ = n.channel.Close() })
	boardFD, board, err := scoreboard.Create(scoreboard.Options{Entries: 64, Slot: 3, Generation: 4})
	if err != nil {
		t.Fatal(err)
	}
	n.board = board
	n.ledger = must(ledger.Create(time.Now()))(t)
	t.Cleanup(func() { _ = n.ledger.Close() })
	crashFD := must(sys.MemfdLog("crash"))(t)
	n.crash = os.NewFile(uintptr(crashFD), "crash")
	listener, bound, err := sys.ListenTCP("tcp", "127.0.0.1:0", 64)
	if err != nil {
		t.Fatal(err)
	}
	n.addr = bound
	s := settings()
	s.LogLevel, s.LogFile, s.LogFormat = "info", "-", "json"
	if b.change != nil {
		b.change(&s)
	}
	limits, desk, err := permits.Create()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = limits.Close(), desk.Close() })
	seat, _ := desk.Assign(permits.Host)
	boot := must(json.Marshal(handoff.Boot{
		Name: "nursling", MasterPID: os.Getpid(), Slot: 3, Generation: 4, Incarnation: 5, Settings: s,
		Listeners: []handoff.Listener{{Network: "tcp", Address: bound}},
		Permits:   &handoff.Permits{Row: seat.Row, Token: seat.Token, Bells: len(limits.Bells) > 0},
	}))(t)
	if b.boot != "" {
		boot = []byte(b.boot)
	}
	if err := n.channel.Send(boot); err != nil {
		t.Fatal(err)
	}
	boxFD, box, err := blackbox.Create("box")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = box.Close(), sys.CloseFD(boxFD) })
	null := must(os.Open(os.DevNull))(t)
	logR, logW := pipe(t)
	outR, outW := pipe(t)
	boardGiven := uintptr(boardFD)
	if b.badBoard {
		boardGiven = null.Fd()
	}
	files := []uintptr{
		null.Fd(), outW.Fd(), outW.Fd(), uintptr(theirs), boardGiven, uintptr(crashFD),
		logW.Fd(), outW.Fd(), uintptr(n.ledger.FD()), uintptr(boxFD),
	}
	for _, fd := range append(limits.All(), -1, listener) { // no TLS: that one is closed
		files = append(files, uintptr(fd))
	}
	n.pid, err = syscall.ForkExec(must(os.Executable())(t), []string{"nursling", "-test.run=NONE"}, &syscall.ProcAttr{
		Env:   []string{handoff.RoleEnv + "=" + handoff.RoleWorker, setupEnv + "=" + b.setup, "GORACE=atexit_sleep_ms=0"},
		Files: files,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range []int{theirs, boardFD, listener} {
		if err := sys.CloseFD(fd); err != nil {
			t.Fatal(err)
		}
	}
	_, _, _ = null.Close(), logW.Close(), outW.Close()
	words := make(chan string, 1)
	go func() { words <- slurp(outR) }()
	go func() {
		log := slurp(logR) // until the worker's end
		p, _ := os.FindProcess(n.pid)
		st, err := p.Wait()
		if err != nil {
			return
		}
		n.status <- status{st.ExitCode(), log, <-words}
	}()
	t.Cleanup(func() { _ = syscall.Kill(n.pid, syscall.SIGKILL) })
	return n
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func slurp(f *os.File) string {
	defer func() { _ = f.Close() }()
	b, _ := io.ReadAll(f)
	return string(b)
}

func (n *nursery) expect(kind handoff.ReportKind) handoff.Report {
	n.t.Helper()
	var r handoff.Report
	if err := n.channel.SetDeadline(time.Now().Add(patience)); err != nil {
		n.t.Fatal(err)
	}
	packet, err := n.channel.Recv(make([]byte, 8192))
	if err == nil {
		err = json.Unmarshal(packet, &r)
	}
	if err != nil || r.Kind != kind {
		n.t.Fatalf("report %+v, %v; want %s", r, err, kind)
	}
	return r
}

func (n *nursery) order(o handoff.Order) {
	n.t.Helper()
	if err := n.channel.Send(must(json.Marshal(o))(n.t)); err != nil {
		n.t.Fatal(err)
	}
}

// exits waits for the process's end.
func (n *nursery) exits(code int) {
	n.t.Helper()
	st := wait(n.t, "the worker's end", n.status)
	n.log, n.words = st.log, st.word
	if st.code != code {
		n.t.Fatalf("exit status %d, want %d\n%s\n%s", st.code, code, n.log, n.words)
	}
}

func (n *nursery) dial() *client {
	n.t.Helper()
	return (&testCore{tb: n.t, addr: n.addr}).dial()
}

func (n *nursery) proc(name string) string {
	n.t.Helper()
	return string(must(os.ReadFile(filepath.Join("/proc", strconv.Itoa(n.pid), name)))(n.t))
}

// stacks reads what the dead worker wrote.
func (n *nursery) stacks() string {
	n.t.Helper()
	size := must(n.crash.Seek(0, io.SeekEnd))(n.t)
	buf := make([]byte, size)
	must(n.crash.ReadAt(buf, 0))(n.t)
	return string(buf)
}
