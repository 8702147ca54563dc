package main

import (
	"fmt"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// Bounds of the scenario stop.
const (
	noticed = time.Second            // by then a stopped worker gets no new connection
	waited  = 500 * time.Millisecond // longer than any answer of a healthy worker
)

// stop stops a worker with SIGSTOP and looks at every request that begins
// more than a second later.
func stop(p *proof) {
	silence := p.duration(10*time.Second, 3*time.Second)
	s := p.start(fmt.Sprintf("WORKER_TIMEOUT=%g", silence.Seconds()))
	mix := testproc.StandardMix(p.network, s.addr)
	mix.Connecting, mix.Pace = 16, 2*time.Millisecond
	mix.Timeout = silence + 10*time.Second
	load := testproc.StartMix(p, mix)
	load.WaitRequests(p, 1000)

	victim := s.WorkerPIDs()[0]
	mark := s.Log.Mark()
	s.SignalPID(victim, syscall.SIGSTOP)
	stopped := time.Now()
	died := func(l testproc.Line) bool {
		return testproc.Msg(testproc.MsgDied, testproc.KeyPID, victim)(l)
	}
	line := s.WaitLogWithin(silence+patience, mark, died, "the stopped worker is replaced")
	if suspected, found := s.Log.Find(mark, testproc.Msg("worker is silent", testproc.KeyPID, victim)); found {
		p.figure("suspected after %v", suspected.Seen.Sub(stopped).Round(time.Millisecond))
	}
	p.did = fmt.Sprintf("one of 4 workers stopped, replaced after %v (timeout %v)", line.Seen.Sub(stopped).Round(100*time.Millisecond), silence)
	load.WaitRequests(p, 1000)
	r := load.Stop()
	p.take(r)

	var late, early []time.Duration
	delayed := 0
	for _, sample := range r.Samples {
		after := r.Began.Add(sample.Start).Sub(stopped)
		if !sample.Fresh || after < 0 || after > line.Seen.Sub(stopped) {
			continue
		}
		if after <= noticed {
			early = append(early, sample.Elapsed)
			continue
		}
		late = append(late, sample.Elapsed)
		if sample.Elapsed > waited {
			delayed++
			p.Logf("waited: began %v after the stop, took %v, answered by %d", after.Round(time.Millisecond), sample.Elapsed, sample.Owner)
		}
	}
	p.figure("%d requests on fresh connections later than %v after the stop: longest %v", len(late), noticed, testproc.Quantile(late, 1).Round(time.Millisecond))
	p.figure("%d in that first %v: longest %v", len(early), noticed, testproc.Quantile(early, 1).Round(time.Millisecond))
	if delayed > 0 || len(late) == 0 {
		p.broken("%d of %d requests on fresh connections waited more than %v", delayed, len(late), waited)
	}
	s.explain(r) // the worker's own connections end with it
	if died := s.Log.Lines(0, testproc.Msg(testproc.MsgDied)); len(died) != 1 {
		p.broken("%d workers died", len(died))
	}
}
