package main

import (
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
	"github.com/webchasor/webchasor/scripts/continuity/holder"
)

// hold is the guide's scenario 4: 32 workers with 2,000 connections each,
// 2,000 requests per second over them, and a reload in the middle.
func hold(p *proof) {
	workers, connections, perSecond := p.pick(32, 8), p.pick(64000, 4000), p.pick(2000, 400)
	length := p.duration(time.Minute, 5*time.Second)
	const processes, aim = 4, 10.0
	// A tenth more than the average: no worker is exactly average.
	s := p.start(fmt.Sprintf("WEB_WORKERS=%d", workers), fmt.Sprintf("WORKER_CONNECTIONS=%d", connections*11/10/workers),
		"BIND=0.0.0.0:0", "KEEPALIVE=300")
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		p.Fatalf("cannot read the address %s: %v", s.addr, err)
	}
	base, kernel := pss(s.pids()), slab()

	// An address of its own for each process, or the local ports would not suffice.
	begin := time.Now()
	opened := p.all(p.holders(processes), func(i int, r *holder.Remote) (holder.Answer, error) {
		return r.Do(holder.Order{Open: connections / processes, Addr: fmt.Sprintf("127.0.0.%d:%s", i+1, port)})
	})
	took := time.Since(begin)
	p.noteHeld("while opening", opened)
	p.figure("opened in %v", took.Round(100*time.Millisecond))
	mark := s.Log.Mark()
	reload := time.AfterFunc(length/2, func() { s.SignalAll(syscall.SIGHUP) })
	defer reload.Stop()
	ran := p.all(p.remotes, func(_ int, r *holder.Remote) (holder.Answer, error) {
		return r.Do(holder.Order{Run: length, Rate: perSecond / processes})
	})
	p.noteHeld("while held", ran)
	p.requests, p.reconnects = opened.Requests+ran.Requests, opened.Reconnects+ran.Reconnects
	if p.reconnects > 0 {
		p.broken("%d reconnects", p.reconnects)
	}
	p.did = fmt.Sprintf("%d connections on %d workers, %d requests/s for %v, one reload in the middle", connections, workers, perSecond, length)
	s.WaitLogWithin(patience, mark, testproc.Msg(msgReloaded), "the reload commits")
	p.figure("p50 %v, p99 %v, longest %v, sent at most %v late", micro(testproc.Quantile(ran.Latencies, 0.5)),
		micro(testproc.Quantile(ran.Latencies, 0.99)), testproc.Quantile(ran.Latencies, 1).Round(time.Millisecond), ran.Late.Round(time.Millisecond))
	total := pss(s.pids())
	each := float64(total) / float64(connections)
	p.figure("PSS %.1f KB per connection, base of %.1f MB included; slab grew by %.1f KB per connection, the clients' ends included",
		each, float64(base)/1024, float64(slab()-kernel)/float64(connections))
	if each > aim && !p.quick {
		p.missed = append(p.missed, fmt.Sprintf("PSS per connection at most %.0f KB", aim))
	}
}

func (p *proof) holders(n int) []*holder.Remote {
	for range n {
		r, err := holder.Start()
		if err != nil {
			p.Fatalf("%v", err)
		}
		p.Cleanup(r.Close)
		p.remotes = append(p.remotes, r)
	}
	return p.remotes
}

// all has every holder do something at the same time and adds the answers up.
func (p *proof) all(remotes []*holder.Remote, do func(int, *holder.Remote) (holder.Answer, error)) (sum holder.Answer) {
	var mu sync.Mutex
	var wait sync.WaitGroup
	for i, r := range remotes {
		wait.Go(func() {
			a, err := do(i, r)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				p.Errorf("%v", err)
			}
			sum.Add(a)
		})
	}
	wait.Wait()
	return sum
}

func (p *proof) noteHeld(when string, a holder.Answer) {
	bad := a.Requests - a.Outcomes[testproc.OK]
	if bad == 0 {
		return
	}
	p.failed += fmt.Sprintf("%d %s ", bad, when)
	p.broken("%d requests failed %s: %v", bad, when, a.Outcomes)
	for _, f := range a.Failures {
		p.Logf("%s: %s", when, f)
	}
}
