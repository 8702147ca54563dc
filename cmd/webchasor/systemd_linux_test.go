package main

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

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
