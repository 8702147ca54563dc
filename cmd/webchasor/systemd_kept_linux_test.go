package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestQueuesSurviveAKilledMaster: a connection that waits while no master lives is
// answered by the next one, which also goes on counting where the killed one was.
func TestQueuesSurviveAKilledMaster(t *testing.T) {
	t.Parallel()
	const workers = 2
	tests := []struct {
		name, network string
		stored        int // sockets
		env           func(dir string) string
	}{
		{"sharded", "tcp", workers, func(string) string { return "ACCEPT=sharded" }},
		{"shared", "tcp", 1, func(string) string { return "ACCEPT=shared" }},
		{"unix", "unix", 1, func(dir string) string { return "BIND=unix:" + dir + "/s?mode=0660" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, notify := startServiceManager(t)
			dir := t.TempDir()
			env := []string{notify, "ADMIN_BIND=0", fmt.Sprintf("WEB_WORKERS=%d", workers), tt.env(dir)}
			p := start(t, env...)
			addr := p.Up()
			client := testproc.Client{Network: tt.network, Addr: strings.TrimPrefix(addr, "unix:"), Fresh: true}
			expectOK(t, client.Get("/pid"))
			for round := 1; round <= 2; round++ { // what was kept once is kept again
				testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return m.stored() == tt.stored+1 },
					"the sockets and the counters are stored")
				expectKept(t, m)
				before := scrape(t, adminOf(t, p, 0))
				kill(t, p)
				waiting := queued(t, tt.network, client.Addr)
				p = m.restart(env...)
				if got := p.Up(); got != addr {
					t.Fatalf("the next master listens on %s, not on %s", got, addr)
				}
				if answer, err := io.ReadAll(waiting); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
					t.Errorf("who waited was answered %q, %v", answer, err)
				}
				expectOK(t, client.Get("/pid"))
				admin := adminOf(t, p, 0)
				now := scrape(t, admin)
				testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
					now = scrape(t, admin)
					return answered(now) >= answered(before)+2
				}, "both requests are counted")
				expectGrown(t, "after a kill", before, now)
				if got, want := answered(now), float64(1+2*round); got != want {
					t.Errorf("%g requests are counted, want %g", got, want)
				}
			}
			p.Stop(0)
			testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return m.stored() == 0 },
				"after a stop for good nothing is stored")
		})
	}
}

// TestKeptSocketsThatAreNotWanted: the settings have changed while no master lived, or a unix
// socket's path is gone. The manager lets go of what is of no use, and the address is bound anew.
func TestKeptSocketsThatAreNotWanted(t *testing.T) {
	t.Parallel()
	t.Run("accept", func(t *testing.T) {
		t.Parallel()
		m, notify := startServiceManager(t)
		p := start(t, notify, "ACCEPT=sharded")
		addr := p.Up()
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return m.stored() == 2+1 }, "all is stored")
		kill(t, p)
		p = m.restart(notify, "ACCEPT=shared", "BIND="+addr)
		expectAnew(t, m, p, addr, "tcp", addr)
	})
	t.Run("path", func(t *testing.T) {
		t.Parallel()
		m, notify := startServiceManager(t)
		path := t.TempDir() + "/s"
		p := start(t, notify, "BIND=unix:"+path)
		p.Up()
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return m.stored() == 1+1 }, "all is stored")
		kill(t, p)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		p = m.restart(notify, "BIND=unix:"+path)
		expectAnew(t, m, p, "unix:"+path, "unix", path)
	})
}

// expectAnew: p has bound the address itself, and the manager keeps that socket.
func expectAnew(t *testing.T, m *serviceManager, p *testproc.Process, want, network, addr string) {
	t.Helper()
	if got := p.Up(); got != want {
		t.Errorf("it listens on %s, not on %s", got, want)
	}
	wantLine(t, p, 0, testproc.Both(testproc.Level("warn"), testproc.Text("binding anew")), "what was kept is of no use")
	client := testproc.Client{Network: network, Addr: addr, Fresh: true}
	expectOK(t, client.Get("/pid"))
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return m.stored() == 1+1 }, "one socket and the counters are kept")
	p.Stop(0)
}

// kill ends the master alone, and waits until its workers have left too.
func kill(t *testing.T, p *testproc.Process) {
	t.Helper()
	workers := p.WorkerPIDs()
	p.Signal(syscall.SIGKILL)
	for _, pid := range workers {
		p.WaitPIDGone(pid, testproc.Patience)
	}
}

// queued is a connection that has sent its request.
func queued(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout(network, addr, testproc.Patience)
	if err != nil {
		t.Fatalf("nobody keeps the socket: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * testproc.Patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /pid HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// expectKept: only sockets that listen, and the counters. A pipe would be the lifeline,
// whose workers would never learn that their master is gone.
func expectKept(t *testing.T, m *serviceManager) {
	t.Helper()
	m.each(func(name string, fd uintptr) {
		want := "socket:["
		if name == "ledger" {
			want = "/memfd:"
		}
		if is, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err != nil || !strings.HasPrefix(is, want) {
			t.Errorf("%s is kept and is %s, %v", name, is, err)
		}
		if strings.Contains(name, ":") {
			t.Errorf("systemd takes no name with a colon: %s", name)
		}
	})
}
