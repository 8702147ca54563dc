package main

import (
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestScenario27FullWorkerIsAvoided: a worker that may hold one connection and
// holds it for two seconds gets no other; eight quick requests go to its neighbour.
func TestScenario27FullWorkerIsAvoided(t *testing.T) {
	t.Parallel()
	p := start(t, "WORKER_CONNECTIONS=1")
	addr := p.Up()
	p.WaitWorkers(2)
	slow := background(addr, "/sleep?ms=2000&touch=begun")
	begun(t, p, "begun")
	begin := time.Now()
	quick := map[int]int{}
	for range 8 {
		quick[expectOK(t, testproc.Get(t, addr, "/pid"))]++
	}
	within(t, begin, time.Second, "eight quick requests beside a slow one")
	if busy := expectOK(t, <-slow); quick[busy] > 0 || len(quick) != 1 {
		t.Errorf("worker %d was busy, the quick answers came from %v", busy, quick)
	}
	p.Stop(0)
}
