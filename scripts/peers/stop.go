package main

import (
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// Bounds of a stopped worker.
const (
	noticed = time.Second           // what begins later should not wait for it
	delayed = time.Second           // longer than any answer of a healthy worker
	every   = 10 * time.Millisecond // between two fresh connections
)

// stall is what a stopped worker cost those who had nothing to do with it.
type stall struct{ fresh, kept tally }

// tally counts the requests of one kind of connection.
type tally struct {
	requests, delayed, failed int
	longest                   time.Duration
}

func (t *tally) add(elapsed time.Duration, ok bool) {
	t.requests++
	t.longest = max(t.longest, elapsed)
	if elapsed > delayed {
		t.delayed++
	}
	if !ok {
		t.failed++
	}
}

// stops stops one worker by SIGSTOP for a while, under the standard load. From a
// second later on a new client comes with a fresh connection every 10 ms,
// whether or not the ones before have had their answer: a fixed number of
// clients would all be stuck by then, and none would be left to notice.
func (b *bench) stops(p peer) {
	if p.speedOnly {
		return
	}
	s := b.start(p)
	mix := testproc.StandardMix("tcp", s.addr)
	mix.Timeout = patience
	load := testproc.StartMix(b, mix)
	load.WaitRequests(b, 500)
	pids := s.workerPIDs()
	if len(pids) == 0 {
		b.Fatalf("%s has no worker to stop", p.name)
	}
	victim := pids[rand.IntN(len(pids))]
	s.SignalPID(victim, syscall.SIGSTOP)
	from := time.Now().Add(noticed)
	testproc.Pause(noticed, nil)
	fresh := s.visitors(time.Duration(b.pick(5, 2)) * time.Second)
	to := time.Now()
	if proc, err := testproc.ReadProc(victim); err == nil && proc.Session == s.PID() {
		_ = syscall.Kill(victim, syscall.SIGCONT)
	}
	r := load.Stop()
	b.results[p.name].stop = &stall{fresh: fresh(), kept: keptBy(r, victim, from.Sub(r.Began), to.Sub(r.Began))}
}

// visitors sends a client with a connection of its own every 10 ms for a
// while. The function it returns waits for all of them to be served.
func (s *server) visitors(d time.Duration) func() tally {
	var all tally
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range int(d / every) {
		wait.Go(func() {
			client := testproc.Client{Addr: s.addr, Fresh: true, Timeout: patience}
			res := client.Get("/pid")
			mu.Lock()
			defer mu.Unlock()
			all.add(res.Elapsed, res.Outcome == testproc.OK)
		})
		testproc.Pause(every, nil)
	}
	return func() tally {
		wait.Wait()
		return all
	}
}

// keptBy counts the requests on kept connections that began in a span and that
// another process than the victim answered.
func keptBy(r testproc.MixReport, victim int, from, to time.Duration) (others tally) {
	for _, sample := range r.Samples {
		if !sample.Fresh && sample.Owner != victim && sample.Start >= from && sample.Start <= to {
			others.add(sample.Elapsed, sample.OK)
		}
	}
	return others
}
