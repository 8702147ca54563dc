package main

import (
	"strconv"
	"sync"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
	"github.com/webchasor/webchasor/scripts/measure"
)

// allWithin bounds the wait for an answer from every worker: a server whose
// kernel prefers some workers may never show the others to a light load.
const allWithin = 5 * time.Second

// bootTime is one start, and the memory of what was started.
type bootTime struct {
	first, all time.Duration // all is 0 when not every worker answered
	pss        float64       // MB, all processes
	worker     float64       // MB, the median worker
}

// boot starts a peer and asks until it answers, and then until every worker has.
func (b *bench) boot(p peer) {
	begin := time.Now()
	s := b.launch(p)
	testproc.Eventually(b, patience, time.Millisecond, s.answers, p.name+" answers")
	t := bootTime{first: time.Since(begin)}
	if s.everyWorkerAnswers() {
		t.all = time.Since(begin)
	}
	testproc.Pause(time.Second, nil) // start-up has settled
	for _, proc := range s.Alive() {
		t.pss += measure.PSS(proc.PID)
	}
	var each []float64
	for _, pid := range s.workerPIDs() {
		each = append(each, measure.PSS(pid))
	}
	t.worker = measure.Median(each)
	b.results[p.name].boots = append(b.results[p.name].boots, t)
}

// everyWorkerAnswers asks with 16 clients side by side, a connection each
// time, until as many processes have answered as there are workers.
func (s *server) everyWorkerAnswers() bool {
	var mu sync.Mutex
	seen := map[string]bool{}
	return testproc.Poll(allWithin, time.Millisecond, func() bool {
		var wait sync.WaitGroup
		for range 16 {
			wait.Go(func() {
				client := testproc.Client{Addr: s.addr, Fresh: true, Timeout: patience}
				pid := client.Get("/pid").Header.Get(testproc.PIDHeader)
				if _, err := strconv.Atoi(pid); err != nil {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				seen[pid] = true
			})
		}
		wait.Wait()
		return len(seen) >= s.peer.workers
	})
}
