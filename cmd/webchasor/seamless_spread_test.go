package main

import (
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// holdOpen opens n connections over a time and keeps them; none has said anything yet.
func holdOpen(t *testing.T, addr string, n int, over time.Duration) []*testproc.Client {
	t.Helper()
	clients := make([]*testproc.Client, n)
	begin := time.Now()
	for i := range clients {
		testproc.Pause(time.Until(begin.Add(over*time.Duration(i)/time.Duration(n))), nil)
		clients[i] = &testproc.Client{Addr: addr}
		if err := clients[i].Open(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(clients[i].Close)
	}
	return clients
}

// hangUp saves a stop the wait for clients that have nothing to ask.
func hangUp(clients []*testproc.Client) {
	for _, c := range clients {
		c.Close()
	}
}

// owners asks on every connection whose it is. None may have been made anew.
func owners(t *testing.T, clients []*testproc.Client) map[int]int {
	t.Helper()
	counts := map[int]int{}
	for _, c := range clients {
		counts[expectOK(t, c.Get("/pid"))]++
		if c.Connects > 1 {
			t.Fatalf("a connection was made anew: %d times", c.Connects-1)
		}
	}
	return counts
}

// extremes are the least and the most of n counts, those that are missing included.
func extremes(counts map[int]int, n int) (least, most int) {
	for _, k := range counts {
		most = max(most, k)
		if least == 0 || k < least {
			least = k
		}
	}
	if len(counts) < n {
		least = 0
	}
	return least, most
}

// TestConnectionsAreSpread holds 20 connections per worker. A hash gives 12 to
// 29 of them, one inherited listener a few to 70; steering comes close at once, and the
// rest is made even. scripts/bench-continuity.sh asks for 1.15 of 900.
func TestConnectionsAreSpread(t *testing.T) {
	t.Parallel()
	const workers, connections = 9, 180
	p := start(t, "WEB_WORKERS=9", "KEEPALIVE=60")
	addr := p.Up()
	p.WaitWorkers(workers)
	clients := holdOpen(t, addr, connections, 2*time.Second)
	least, most := extremes(owners(t, clients), workers)
	t.Logf("at once %d to %d", least, most)
	if most > 3*least {
		t.Errorf("%d to %d connections per worker", least, most)
	}
	testproc.Eventually(t, testproc.Patience, 200*time.Millisecond, func() bool {
		least, most = extremes(owners(t, clients), workers)
		return least > 0 && 2*most <= 3*least
	}, "no worker has more than one and a half times what another has")
	hangUp(clients)
	p.Stop(0)
}

// TestStreamsAreSpread: a stream cannot be moved, so it has to begin at the right
// worker. By a hash the gap would be about nine. scripts/bench-continuity.sh asks for 2
// on a machine that does nothing else.
func TestStreamsAreSpread(t *testing.T) {
	t.Parallel()
	const workers, streams, gap = 8, 80, 4
	p := start(t, "WEB_WORKERS=8")
	addr := p.Up()
	p.WaitWorkers(workers)
	counts := map[int]int{}
	var following []*testproc.Following
	for range streams {
		f := testproc.Follow(t, testproc.Client{Addr: addr}, "/stream?n=40&every=100", 40)
		pid, _ := strconv.Atoi(f.Header().Get(testproc.PIDHeader))
		counts[pid]++
		following = append(following, f)
		testproc.Pause(25*time.Millisecond, nil)
	}
	least, most := extremes(counts, workers)
	t.Logf("%d to %d", least, most)
	if most-least > gap {
		t.Errorf("%d to %d streams per worker", least, most)
	}
	for _, f := range following {
		if res := f.Wait(); res.Outcome != testproc.OK {
			t.Errorf("a stream: %v", res)
		}
	}
	p.Stop(0)
}

// TestANewWorkerGetsItsShare: connections that are held for long move to a
// worker that came later, and no client notices.
func TestANewWorkerGetsItsShare(t *testing.T) {
	t.Parallel()
	p := start(t, "WEB_WORKERS=2", "KEEPALIVE=60")
	addr := p.Up()
	old := p.WaitWorkers(2)
	clients := holdOpen(t, addr, 40, 0)
	owners(t, clients)
	p.Signal(syscall.SIGTTIN)
	now := p.WaitWorkers(3)
	newcomer := slices.DeleteFunc(slices.Clone(now), func(pid int) bool { return slices.Contains(old, pid) })[0]
	testproc.Eventually(t, testproc.Patience, 200*time.Millisecond,
		func() bool { return owners(t, clients)[newcomer] >= 9 }, "the new worker serves about a third of the connections")
	hangUp(clients)
	p.Stop(0)
}
