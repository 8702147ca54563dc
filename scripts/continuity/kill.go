package main

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// kill kills a random worker every 250 ms under the standard load with a
// handler that takes 20 ms, and explains each failure.
func kill(p *proof) {
	s := p.start("WEB_WORKERS=8")
	mix := testproc.StandardMix(p.network, s.addr)
	mix.Path = "/sleep?ms=20" // so that some die with a request
	s.kill(mix)
}

// killQueued does so while at least 100 connections wait to be accepted.
// Its clients connect for every request: with kept connections beside them, a full
// worker would, rightly, ask idle ones to leave.
func killQueued(p *proof) {
	s := p.start("WEB_WORKERS=8", "WORKER_CONNECTIONS=5")
	s.kill(testproc.Mix{Addr: s.addr, Connecting: 160, ConnectPath: "/sleep?ms=40"})
}

func (s *service) kill(mix testproc.Mix) {
	length := s.p.duration(30*time.Second, 3*time.Second)
	mix.Timeout = 30 * time.Second
	load := testproc.StartMix(s.p, mix)
	load.WaitRequests(s.p, 500)

	deaths := 0
	var waiting, ready []int
	begin := time.Now()
	for n := 1; time.Since(begin) < length; n++ {
		if n%8 == 1 { // the kernel's table is long
			waiting = append(waiting, testproc.Queued(s.addr))
		}
		pids := s.readyWorkers()
		ready = append(ready, len(pids))
		if len(pids) > 0 {
			pid := pids[rand.IntN(len(pids))]
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				deaths++
			}
		}
		testproc.Pause(time.Until(begin.Add(time.Duration(n)*250*time.Millisecond)), nil)
	}
	load.WaitRequests(s.p, 500)
	r := load.Stop()
	s.p.take(r)
	s.p.did = fmt.Sprintf("%d kills in %v, connections queued %s, workers ready %s", deaths, length, spreadOf(waiting), spreadOf(ready))
	s.explain(r)
}

// readyWorkers are the workers that have reported ready and are not known to have
// ended. It reads the log only, which is cheaper than /proc.
func (s *service) readyWorkers() (pids []int) {
	gone := map[int]bool{}
	for _, line := range s.Log.Lines(0, func(l testproc.Line) bool {
		return l.Msg() == testproc.MsgDied || l.Msg() == testproc.MsgExited
	}) {
		gone[line.Int(testproc.KeyPID)] = true
	}
	for _, worker := range s.Ready(0) {
		if !gone[worker.PID] {
			pids = append(pids, worker.PID)
		}
	}
	return pids
}

// explain holds the failures against the dead workers' scoreboards.
func (s *service) explain(r testproc.MixReport) {
	l, err := testproc.Explain(s.Log, r)
	if err != nil {
		s.p.broken("%v", err)
		return
	}
	s.p.figure("%d failed and recorded as in flight, %d recorded that did not fail", l.InFlight, l.Recorded-l.InFlight)
	s.p.figure("accepted but unread: %d in the table, %d not in it yet", l.Unread, l.Arriving)
	s.p.figure("%d idle connections closed, all in a table", l.Idle)
	if l.Arriving > 1+l.Deaths/20 {
		s.p.broken("%d fresh connections reset that no scoreboard has: more than one death in twenty", l.Arriving)
	}
	if n := len(l.Unexplained); n > 0 {
		s.p.broken("%d failures that no dead worker's scoreboard explains", n)
		for _, text := range l.Unexplained[:min(n, 10)] {
			s.p.Logf("unexplained: %s", text)
		}
	}
	if r.Outcomes[testproc.Refused] > 0 {
		s.p.broken("%d refused", r.Outcomes[testproc.Refused])
	}
}
