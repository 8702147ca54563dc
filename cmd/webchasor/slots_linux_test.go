package main

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// listening are the addresses the program says it listens on.
func listening(p *testproc.Process) (addrs []string) {
	for _, line := range p.Log.Lines(0, testproc.Msg(testproc.MsgListening)) {
		addrs = append(addrs, line.Str("address"))
	}
	return addrs
}

// needIPv6 skips the test on a machine whose loopback has no ::1.
func needIPv6(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	_ = l.Close()
}

// TestEveryWayToListen serves IPv4, IPv6 and both through one address, in
// slots of their own and through one shared socket, before and after a reload.
func TestEveryWayToListen(t *testing.T) {
	for _, accept := range []string{"shared", "sharded"} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			needIPv6(t)
			p := start(t, "ACCEPT="+accept, "BIND=127.0.0.1:0,[::1]:0,[::]:0")
			p.Up()
			old := p.WaitWorkers(2)
			addrs := listening(p)
			if len(addrs) != 3 {
				t.Fatalf("it listens on %v, want three addresses", addrs)
			}
			_, port, err := net.SplitHostPort(addrs[2])
			if err != nil {
				t.Fatal(err)
			}
			addrs = append(addrs[:2], "127.0.0.1:"+port, "[::1]:"+port)
			ask := func(workers []int) {
				t.Helper()
				for _, addr := range addrs {
					if pid := expectOK(t, testproc.Get(t, addr, "/pid")); !slices.Contains(workers, pid) {
						t.Errorf("%s was answered by %d, want one of %v", addr, pid, workers)
					}
				}
			}
			ask(old)
			mark := p.Log.Mark()
			p.Signal(syscall.SIGHUP)
			p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
			ask(p.WaitReplaced(old, 2))
			p.Stop(0)
		})
	}
}

// listeners are the listening TCP sockets among a process's descriptors, by inode.
func listeners(t *testing.T, pid int) []string {
	t.Helper()
	listen, err := testproc.ListeningInodes()
	if err != nil {
		t.Fatal(err)
	}
	fds, err := testproc.Descriptors(pid)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, what := range fds {
		if inode, ok := strings.CutPrefix(what, "socket:["); ok && listen[strings.TrimSuffix(inode, "]")] {
			found[what] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// TestSlotSocketsAreParkedNotRemade: closing a slot's socket would reset what
// waits in it. Scaling down keeps it, scaling up uses it again, a dead worker's
// successor gets it, a reload changes nothing.
func TestSlotSocketsAreParkedNotRemade(t *testing.T) {
	t.Parallel()
	p := start(t, "ACCEPT=sharded", "WEB_WORKERS=2")
	addr := p.Up()
	p.WaitWorkers(2)
	if first := listeners(t, p.PID()); len(first) != 2 {
		t.Fatalf("the master has %v, want a socket per slot", first)
	}
	p.Signal(syscall.SIGTTIN)
	p.WaitWorkers(3)
	three := listeners(t, p.PID())
	if len(three) != 3 {
		t.Fatalf("the master has %v, want a socket per slot", three)
	}
	for _, step := range []struct {
		what    string
		do      func(workers []int)
		workers int
	}{
		{"scaling down", func([]int) { p.Signal(syscall.SIGTTOU) }, 2},
		{"scaling up", func([]int) { p.Signal(syscall.SIGTTIN) }, 3},
		{"scaling down again", func([]int) { p.Signal(syscall.SIGTTOU) }, 2},
		{"a death", func(workers []int) { p.SignalPID(workers[0], syscall.SIGKILL); p.WaitReplaced(workers[:1], 2) }, 2},
		{"scaling up again", func([]int) { p.Signal(syscall.SIGTTIN) }, 3},
		{"a reload", func(workers []int) {
			mark := p.Log.Mark()
			p.Signal(syscall.SIGHUP)
			p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
			p.WaitReplaced(workers, 2) // the configuration says two
		}, 2},
	} {
		step.do(p.WorkerPIDs())
		p.WaitWorkers(step.workers)
		if now := listeners(t, p.PID()); !slices.Equal(now, three) {
			t.Errorf("after %s the master has %v, before %v", step.what, now, three)
		}
		for range 6 { // whichever socket the kernel picks, somebody answers
			expectOK(t, testproc.Get(t, addr, "/pid"))
		}
	}
	p.Stop(0)
}

// TestTheMasterSleepsThroughConnections: it holds every listening socket, but
// nothing in it waits for them. It looks at the scoreboards by the clock,
// so a round that takes long costs some wake-ups; if it woke for each connection, all rounds would.
func TestTheMasterSleepsThroughConnections(t *testing.T) {
	for _, accept := range []string{"shared", "sharded"} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			const clients, each, rounds = 8, 125, 8
			p := start(t, "ACCEPT="+accept)
			addr := p.Up()
			p.WaitWorkers(2)
			var counts []string
			for range rounds {
				before := testproc.VoluntarySwitches(p.PID())
				var wait sync.WaitGroup
				for range clients {
					wait.Go(func() {
						client := testproc.Client{Addr: addr, Fresh: true}
						for range each {
							if res := client.Get("/pid"); res.Outcome != testproc.OK {
								t.Errorf("a request failed: %v", res)
								return
							}
						}
					})
				}
				wait.Wait()
				woken := testproc.VoluntarySwitches(p.PID()) - before
				counts = append(counts, fmt.Sprint(woken))
				if woken < clients*each/3 {
					t.Logf("%d connections: %v", clients*each, counts)
					p.Stop(0)
					return
				}
			}
			t.Errorf("%d connections each woke the master %v times", clients*each, counts)
		})
	}
}
