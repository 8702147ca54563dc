package main

import (
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestScenario27FullWorkerIsAvoided: a worker that may hold one connection and
// holds it gets no other; eight quick requests go to its neighbour, while it lasts.
func TestScenario27FullWorkerIsAvoided(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_CONNECTIONS=1")
	addr := p.Up()
	p.WaitWorkers(2)
	slow := background(addr, "/sleep?ms=3000&touch=begun")
	begun(t, p, "begun")
	quick := map[int]int{}
	for range 8 {
		quick[expectOK(t, testproc.Get(t, addr, "/pid"))]++
	}
	select {
	case r := <-slow:
		t.Errorf("the slow request was over first: %v", r)
		return
	default:
	}
	if busy := expectOK(t, <-slow); quick[busy] > 0 || len(quick) != 1 {
		t.Errorf("worker %d was busy, the quick answers came from %v", busy, quick)
	}
	p.Stop(0)
}
