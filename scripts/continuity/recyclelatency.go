package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// recycleLatency compares the latency of kept connections with one worker
// recycled per second and without: alternating rounds, medians.
func recycleLatency(p *proof) {
	const aim = 1.2
	rounds, length := p.pick(5, 1), p.duration(10*time.Second, 3*time.Second)
	off := []string{"MAX_REQUESTS=0"}
	on := []string{"MAX_REQUESTS=1", "RECYCLE_INTERVAL=1"}
	var with, without []time.Duration
	recycled := 0
	pass := func(env []string) {
		p.Do(func() {
			s := p.start(env...)
			// After the first replacement of each worker the pace is one per second.
			if len(env) > 1 {
				warm := testproc.StartMix(p, testproc.Mix{Network: p.network, Addr: s.addr, Busy: 1, Pace: time.Millisecond})
				testproc.Eventually(p, patience, 50*time.Millisecond, func() bool { return s.drained("max_requests") >= 4 }, "the first replacements")
				warm.Stop()
			}
			mix := testproc.StandardMix(p.network, s.addr)
			mix.Connecting = 0
			mix.Pace = 2 * time.Millisecond // the quantile of a saturated machine says nothing about the service
			before := s.drained("max_requests")
			load := testproc.StartMix(p, mix)
			testproc.Pause(length, nil)
			r := load.Stop()
			p.requests += r.Requests
			p.reconnects += r.Reconnects
			if r.Failed() > 0 {
				p.failed += r.Failures() + " "
				p.broken("%d requests failed", r.Failed())
			}
			if len(env) > 1 {
				recycled += s.drained("max_requests") - before
				with = append(with, r.Latency(0.99))
			} else {
				without = append(without, r.Latency(0.99))
			}
		})
	}
	order := [][]string{off, on}
	for range rounds {
		for _, env := range order {
			pass(env)
		}
		slices.Reverse(order)
	}
	if len(with) == 0 || len(without) == 0 {
		p.broken("a round did not run to its end")
		return
	}
	p.did = fmt.Sprintf("%d recycles in %d rounds of %v", recycled, rounds, length)
	a, b := testproc.Quantile(without, 0.5), testproc.Quantile(with, 0.5)
	change := float64(b) / float64(max(a, 1))
	p.figure("p99 without %v (%v..%v)", micro(a), micro(without[0]), micro(without[len(without)-1]))
	p.figure("with %v (%v..%v)", micro(b), micro(with[0]), micro(with[len(with)-1]))
	p.figure("ratio %.2f (aim below %.1f)", change, aim)
	if change >= aim && !p.quick {
		p.broken("p99 changes by %.0f %%", 100*(change-1))
	}
	if p.reconnects > 0 {
		p.broken("%d reconnects", p.reconnects)
	}
}

func micro(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
