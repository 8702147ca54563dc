package main

import (
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// Bounds of a stopped worker.
const (
	noticed = time.Second // what begins later should not wait for it
	delayed = time.Second // longer than any answer of a healthy worker
)

// stall is what a stopped worker cost those who had nothing to do with it.
type stall struct {
	requests, delayed, failed int
	longest                   time.Duration
}

// stops stops one worker by SIGSTOP for a while.
func (b *bench) stops(p peer) {
	if p.speedOnly {
		return
	}
	s := b.start(p)
	mix := testproc.StandardMix("tcp", s.addr)
	mix.Connecting, mix.Pace, mix.Timeout = 16, 2*time.Millisecond, patience
	load := testproc.StartMix(b, mix)
	load.WaitRequests(b, 500)
	pids := s.workerPIDs()
	if len(pids) == 0 {
		b.Fatalf("%s has no worker to stop", p.name)
	}
	victim := pids[rand.IntN(len(pids))]
	s.SignalPID(victim, syscall.SIGSTOP)
	begin := time.Now()
	testproc.Pause(time.Duration(b.pick(6, 3))*time.Second, nil)
	end := time.Now()
	_ = syscall.Kill(victim, syscall.SIGCONT) // it may have been replaced: only a child of the server's, still unreaped, has its pid
	r := load.Stop()
	b.results[p.name].stop = stalled(r, victim, begin.Sub(r.Began)+noticed, end.Sub(r.Began))
}

// stalled looks at the requests that began in a span and not on a connection
// that the victim already held.
func stalled(r testproc.MixReport, victim int, from, to time.Duration) *stall {
	var s stall
	for _, sample := range r.Samples {
		if sample.Start < from || sample.Start > to || !sample.Fresh && sample.Owner == victim {
			continue
		}
		s.requests++
		s.longest = max(s.longest, sample.Elapsed)
		if sample.Elapsed > delayed {
			s.delayed++
		}
		if !sample.OK {
			s.failed++
		}
	}
	return &s
}
