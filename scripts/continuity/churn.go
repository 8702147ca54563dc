package main

import (
	"fmt"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// unnoticed notes what the clients noticed of what was done.
func (p *proof) unnoticed(r testproc.MixReport) {
	p.take(r)
	if r.Requests == 0 {
		p.broken("no load")
	}
	if r.Failed() > 0 {
		p.broken("%d requests failed", r.Failed())
	}
	if r.Reconnects > 0 {
		p.broken("%d reconnects", r.Reconnects)
	}
	p.figure("%d processes answered", len(r.PIDs))
	p.figure("p99 %v, longest %v", r.Latency(0.99).Round(10*time.Microsecond), r.Latency(1).Round(time.Millisecond))
	if r.Failed() > 0 || r.Reconnects > 0 {
		p.Logf("%s over %s: %v", p.name, p.network, r)
	}
}

// churn does one thing to a service again and again under the standard load.
func (p *proof) churn(what string, times int, s *service, step func(*testproc.Mixing)) {
	p.churnUnder(s.mix(), what, times, s, step)
}

func (p *proof) churnUnder(load *testproc.Mixing, what string, times int, s *service, step func(*testproc.Mixing)) {
	load.WaitRequests(p, 500)
	begin := time.Now()
	for range times {
		step(load)
	}
	took := time.Since(begin)
	load.WaitRequests(p, 500)
	p.did = fmt.Sprintf("%d %s in %v", times, what, took.Round(100*time.Millisecond))
	p.unnoticed(load.Stop())
	s.unharmed()
}

func hup(p *proof) {
	s := p.start()
	p.churn("reloads of 4 workers", p.pick(100, 4), s, func(*testproc.Mixing) { s.reload() })
}

func upgrades(p *proof) {
	s := p.start()
	// Workers of a master that was upgraded away three times are ended, which is a
	// second or two here: the streams are shorter.
	p.churnUnder(s.mixOf(5), "upgrades", p.pick(20, 2), s, func(load *testproc.Mixing) {
		s.upgrade()
		// The new master learns of the old one's exit a moment after we do, and refuses until then.
		testproc.Pause(300*time.Millisecond, nil)
		load.WaitRequests(p, 100)
	})
}

// scale goes down by one, with that worker's share of the connections, and up again: 50 of each.
func scale(p *proof) {
	s := p.start()
	p.churn("TTOU, each with a TTIN,", p.pick(50, 4), s, func(load *testproc.Mixing) {
		s.shrink()
		load.WaitRequests(p, 100)
		s.grow()
		load.WaitRequests(p, 100)
	})
}

// recycle lets workers fall due after a few requests, without any pause between two.
func recycle(p *proof) {
	times := p.pick(1000, 20)
	s := p.start("MAX_REQUESTS=200", "MAX_REQUESTS_JITTER=100")
	load := s.mix()
	begin := time.Now()
	testproc.Eventually(p, 15*time.Minute, 100*time.Millisecond,
		func() bool { return s.drained("max_requests") >= times }, fmt.Sprintf("%d recycles", times))
	took := time.Since(begin)
	load.WaitRequests(p, 200)
	p.did = fmt.Sprintf("%d recycles in %v", s.drained("max_requests"), took.Round(100*time.Millisecond))
	p.unnoticed(load.Stop())
	s.unharmed()
}

// longStream reads one stream across everything else.
func longStream(p *proof) {
	length := p.duration(2*time.Minute, 4*time.Second)
	const every = 50 * time.Millisecond
	n := int(length / every)
	s := p.start("MAX_REQUESTS=500", "MAX_REQUESTS_JITTER=200", "RECYCLE_INTERVAL=0.5")
	load := s.mix()
	client := testproc.Client{Network: p.network, Addr: s.addr, Timeout: 2*length + time.Minute}
	begin := time.Now()
	stream := testproc.Follow(p, client, fmt.Sprintf("/stream?n=%d&every=%d", n, every.Milliseconds()), n)
	reloads, scales, upgraded := 0, 0, 0
	for round := 0; time.Since(begin) < length; round++ {
		switch {
		case round%8 == 7 && upgraded < 3: // a fourth would end the stream's worker
			s.upgrade()
			upgraded++
		case round%2 == 0:
			s.reload()
			reloads++
		default:
			s.shrink()
			s.grow()
			scales++
		}
		testproc.Pause(p.duration(time.Second, 200*time.Millisecond), nil)
	}
	res := stream.Wait()
	p.did = fmt.Sprintf("a stream of %d events in %v across %d reloads, %d TTOU and TTIN, %d upgrades, %d recycles",
		n, time.Since(begin).Round(time.Second), reloads, scales, upgraded, s.drained("max_requests"))
	if res.Outcome != testproc.OK {
		p.broken("the stream: %v", res)
	}
	p.unnoticed(load.Stop())
	s.unharmed()
}
