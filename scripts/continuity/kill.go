package main

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// near is how far a client's failure and the death that explains it may lie
// apart, the reaping and logging included.
const near = time.Second

// death is one worker that was killed.
type death struct {
	at  time.Time
	pid int
}

// kill kills a random worker every 250 ms under the standard load, and
// explains each failure.
func kill(p *proof) {
	s := p.start("WEB_WORKERS=8")
	s.kill(testproc.StandardMix(p.network, s.addr))
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

	var deaths []death
	var waiting, ready []int
	begin := time.Now()
	for n := 1; time.Since(begin) < length; n++ {
		if n%8 == 1 { // the kernel's table is long
			waiting = append(waiting, queued(s.addr))
		}
		pids := s.readyWorkers()
		ready = append(ready, len(pids))
		if len(pids) > 0 {
			pid := pids[rand.IntN(len(pids))]
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				deaths = append(deaths, death{time.Now(), pid})
			}
		}
		testproc.Pause(time.Until(begin.Add(time.Duration(n)*250*time.Millisecond)), nil)
	}
	load.WaitRequests(s.p, 500)
	r := load.Stop()
	s.p.take(r)
	s.p.did = fmt.Sprintf("%d kills in %v, connections queued %s, workers ready %s", len(deaths), length, spreadOf(waiting), spreadOf(ready))
	s.explain(r, deaths)
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

// explain divides the failures into those whose request the master recorded
// as lost with the worker, those on a connection that a dead worker had taken
// without having read the request, and the rest, which nobody may have.
func (s *service) explain(r testproc.MixReport, deaths []death) {
	lost := map[string][]time.Time{}
	recorded := 0
	for _, line := range s.Log.Lines(0, testproc.Msg(msgLost)) {
		lost[line.Str("client")] = append(lost[line.Str("client")], line.Seen)
		recorded++
	}
	if more := s.Log.Lines(0, testproc.Text("more requests lost")); len(more) > 0 {
		s.p.broken("the log does not name every lost request, so they cannot be compared")
	}
	inflight, unreadKept, living, unreadFresh, other := 0, 0, 0, 0, 0
	for _, miss := range r.Misses {
		reset := miss.Result.Outcome == testproc.ResetFresh || miss.Result.Outcome == testproc.ResetReused
		switch {
		case claim(lost, miss):
			inflight++
		case reset && miss.Owner != 0 && diedNear(deaths, miss.End, miss.Owner):
			unreadKept++
		case reset && miss.Owner == 0 && diedNear(deaths, miss.End, 0):
			unreadFresh++
		case reset && diedNear(deaths, miss.End, 0):
			living++
		default:
			if other++; other <= 10 {
				s.p.Logf("unexplained: %s client %s, owner %d, at %s: %v", miss.Kind, miss.Local, miss.Owner, miss.End.UTC().Format("15:04:05.000"), miss.Result)
			}
		}
	}
	stranger := 0
	for _, c := range r.Closes {
		if c.How == testproc.ClosedIdle && !diedNear(deaths, c.At, c.Owner) {
			stranger++
		}
	}
	s.p.figure("%d failed and recorded as in flight, %d recorded that did not fail", inflight, recorded-inflight)
	s.p.figure("accepted but unread: %d on kept, %d on fresh connections", unreadKept, unreadFresh)
	if living > 0 {
		s.p.broken("%d failed on connections whose last answer came from a worker that lives", living)
	}
	if other > 0 {
		s.p.broken("%d failures that no death explains", other)
	}
	if r.Outcomes[testproc.Refused] > 0 {
		s.p.broken("%d refused", r.Outcomes[testproc.Refused])
	}
	if stranger > 0 {
		s.p.broken("%d idle connections closed that no dead worker had", stranger)
	}
}

// claim finds the record of a failed request and uses it up: the same client
// address may come again.
func claim(lost map[string][]time.Time, miss testproc.Miss) bool {
	records := lost[miss.Local]
	for i, at := range records {
		if gap := at.Sub(miss.End).Abs(); gap < near {
			lost[miss.Local] = append(records[:i:i], records[i+1:]...)
			return true
		}
	}
	return false
}

// diedNear reports whether a worker (0: any) was killed at about that time.
func diedNear(deaths []death, at time.Time, pid int) bool {
	for _, d := range deaths {
		if (pid == 0 || pid == d.pid) && (pid != 0 || at.Sub(d.at).Abs() < near) {
			return true
		}
	}
	return false
}
