package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// serviceManager stands where systemd does: it reads the messages, knows who sent them,
// and keeps what it is given.
type serviceManager struct {
	t    *testing.T
	conn *net.UnixConn

	mu       sync.Mutex
	messages []managerMessage
	kept     map[string]*os.File // by name; nil once a process was started with it
}

type managerMessage struct {
	pid  int
	text string
}

func startServiceManager(t *testing.T) (*serviceManager, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	m := &serviceManager{t: t, conn: conn, kept: map[string]*os.File{}}
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1)
	}); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m.receive() {
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
		for _, f := range m.kept {
			f.Close()
		}
	})
	return m, "NOTIFY_SOCKET=" + path
}

func (m *serviceManager) receive() bool {
	text, rights := make([]byte, 4096), make([]byte, 4096)
	n, on, _, _, err := m.conn.ReadMsgUnix(text, rights)
	if err != nil {
		return false
	}
	controls, _ := syscall.ParseSocketControlMessage(rights[:on])
	message := managerMessage{text: string(text[:n])}
	var fds []int
	for _, c := range controls {
		if who, err := syscall.ParseUnixCredentials(&c); err == nil {
			message.pid = int(who.Pid)
		}
		if got, err := syscall.ParseUnixRights(&c); err == nil {
			fds = append(fds, got...)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages = append(m.messages, message)
	for _, fd := range fds {
		f := os.NewFile(uintptr(fd), message.text)
		name, stored := strings.CutPrefix(message.text, "FDSTORE=1\nFDNAME=")
		if !stored || m.kept[name] != nil {
			f.Close()
			continue
		}
		m.kept[name] = f
	}
	if name, ok := strings.CutPrefix(message.text, "FDSTOREREMOVE=1\nFDNAME="); ok {
		m.kept[name].Close() // a nil File says so and does nothing
		delete(m.kept, name)
	}
	return true
}

// pass takes what is kept for the start of a process; the files are the caller's.
func (m *serviceManager) pass() (names []string, files []*os.File) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, f := range m.kept {
		names, files = append(names, name), append(files, f)
		m.kept[name] = nil
	}
	return names, files
}

// wait waits for a message from pid with the line, and returns the mark behind it.
func (m *serviceManager) wait(from, pid int, line string) (next int) {
	m.t.Helper()
	testproc.Eventually(m.t, testproc.Patience, testproc.Every, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		for i := from; i < len(m.messages); i++ {
			if m.messages[i].pid == pid && hasLine(m.messages[i].text, line) {
				next = i + 1
				return true
			}
		}
		return false
	}, fmt.Sprintf("the service manager hears %s from %d", line, pid))
	return next
}

// heard: pid has said a line.
func (m *serviceManager) heard(pid int, line string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, message := range m.messages {
		if message.pid == pid && hasLine(message.text, line) {
			return true
		}
	}
	return false
}

// text is one message.
func (m *serviceManager) text(at int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.messages[at].text
}

// hasLine: some line of text begins with line.
func hasLine(text, line string) bool {
	for l := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(l, line) {
			return true
		}
	}
	return false
}

func (m *serviceManager) stored() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.kept)
}

// TestScenario38ServiceManagerIsTold follows a service from its start to its end.
func TestScenario38ServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	m, notify := startServiceManager(t)
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/hold", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// A lame duck shows no progress, and must be left alone all the same.
	p := startUpgradable(t, testproc.Options{Dir: dir, Config: "server:\n  watch: false\n", Env: []string{
		notify, "WATCHDOG_USEC=1000000", "LAME_DUCK=60s", setupEnv + "=hold",
	}})
	pid := p.PID()
	// Slow workers: more time is asked for, and the word comes when all of them serve.
	at := m.wait(0, pid, "EXTEND_TIMEOUT_USEC=")
	if m.heard(pid, "READY=1") {
		t.Error("it is ready before a worker is")
	}
	removeFile(t, p, "hold")
	addr := p.Up()
	at = m.wait(at, pid, "READY=1")
	if text := m.text(at - 1); !hasLine(text, "STATUS=2 of 2 workers ready") {
		t.Errorf("the word that it is ready: %q", text)
	}
	for range 3 { // again and again
		at = m.wait(at, pid, "WATCHDOG=1")
	}

	p.Signal(syscall.SIGHUP)
	at = m.wait(at, pid, "RELOADING=1")
	if text := m.text(at - 1); !hasLine(text, "MONOTONIC_USEC=") {
		t.Errorf("a reload without its time: %q", text)
	}
	at = m.wait(at, pid, "READY=1")

	// A rejected reload must end the manager's waiting too.
	p.WriteFile("webchasor.yaml", "server: [")
	p.Signal(syscall.SIGHUP)
	at = m.wait(at, pid, "RELOADING=1")
	at = m.wait(at, pid, "READY=1")
	p.WriteFile("webchasor.yaml", "server:\n  watch: false\n")

	second := upgrade(t, p, pid)
	at = m.wait(at, pid, fmt.Sprintf("MAINPID=%d", second))
	at = m.wait(at, second, "READY=1")
	if text := m.text(at - 1); !hasLine(text, "STATUS=2 of 2 workers ready") {
		t.Errorf("the new master's word that it is ready: %q", text)
	}
	m.wait(at, second, "WATCHDOG=1")

	p.SignalPID(second, syscall.SIGTERM)
	at = m.wait(at, second, "STOPPING=1")
	at = m.wait(at, second, "EXTEND_TIMEOUT_USEC=")
	m.wait(at, second, "EXTEND_TIMEOUT_USEC=")
	expectOK(t, testproc.Get(t, addr, "/pid"))
	p.SignalPID(second, syscall.SIGTERM) // enough
	if code := p.OrphanExit(second, testproc.Patience); code != 0 {
		t.Errorf("the second master ended with %d", code)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, message := range m.messages {
		if message.pid != pid && message.pid != second {
			t.Errorf("%d, a worker, said %q", message.pid, message.text)
		}
	}
}

// activated starts the program as systemd does: the descriptors begin at 3, and
// LISTEN_PID names the process itself.
func activated(t *testing.T, names string, files []*os.File, env ...string) *testproc.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env = append(env, "LISTEN_FDNAMES="+names, fmt.Sprintf("LISTEN_FDS=%d", len(files)))
	return startWith(t, testproc.Options{
		App: appFastHTTP, Binary: "/bin/sh", Files: files, Env: env,
		Args: []string{"-c", `LISTEN_PID=$$ exec "$0" serve`, self},
	})
}

// opened is a socket that is passed to a process.
func opened(t *testing.T) (net.Listener, *os.File) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return listener, file
}

// TestSocketActivationByName: bind chooses among several passed sockets by their names.
func TestSocketActivationByName(t *testing.T) {
	t.Parallel()
	web, webFile := opened(t)
	api, apiFile := opened(t)
	p := activated(t, "api:web", []*os.File{apiFile, webFile}, "BIND=fd://web,fd://api")
	if got := p.Up(); got != web.Addr().String() {
		t.Errorf("the first address is %s, not %s, the socket named web", got, web.Addr())
	}
	expectOK(t, testproc.Get(t, web.Addr().String(), "/pid"))
	expectOK(t, testproc.Get(t, api.Addr().String(), "/pid"))
	p.Stop(0)
}

func TestSocketActivation(t *testing.T) {
	t.Parallel()
	listener, file := opened(t)
	p := activated(t, "web", []*os.File{file}, "BIND")
	if got := p.Up(); got != listener.Addr().String() {
		t.Fatalf("it listens on %s, not on what it was passed", got)
	}
	expectOK(t, testproc.Get(t, listener.Addr().String(), "/pid"))
	second := upgrade(t, p, p.PID())
	expectOK(t, testproc.Get(t, listener.Addr().String(), "/pid"))
	stopOrphan(t, p, second)
	// The socket is the manager's: it goes on queueing for the next start.
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatalf("the stop closed a socket that was only lent: %v", err)
	}
	conn.Close()
}

// TestQueuesSurviveAKilledMaster: a connection that waits while no master lives
// is answered by the next one.
func TestQueuesSurviveAKilledMaster(t *testing.T) {
	t.Parallel()
	m, notify := startServiceManager(t)
	p := start(t, notify)
	addr := p.Up()
	slots := len(p.WaitWorkers(2))
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return m.stored() >= slots }, "the sockets are stored")
	workers := p.WorkerPIDs()
	p.Signal(syscall.SIGKILL)
	for _, pid := range workers {
		p.WaitPIDGone(pid, testproc.Patience)
	}
	waiting := background(addr, "/pid")
	names, files := m.pass()
	next := activated(t, strings.Join(names, ":"), files, notify)
	if got := next.Up(); got != addr {
		t.Fatalf("the next master listens on %s, not on %s", got, addr)
	}
	for _, f := range files {
		f.Close()
	}
	expectOK(t, <-waiting)
	next.Stop(0)
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return m.stored() == 0 },
		"after a stop for good nothing is stored")
}
