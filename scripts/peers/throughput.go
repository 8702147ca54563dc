package main

import (
	"time"

	"github.com/webchasor/webchasor/scripts/measure"
)

// round is one round of throughput.
type round struct {
	perSecond, cpu, switches, errors float64 // cpu in microseconds per request
}

// throughput is one round: start, warm up, measure.
func (b *bench) throughput(p peer) {
	s := b.start(p)
	url := "http://" + s.addr + "/"
	b.wrk(time.Second, url)
	before := measure.Read(s.Process)
	w := b.wrk(b.duration, url)
	cpu, switches := measure.Read(s.Process).Since(before)
	r := b.results[p.name]
	r.rounds = append(r.rounds, round{
		perSecond: w.PerSecond, errors: w.Errors,
		cpu: float64(cpu.Microseconds()) / max(w.Requests, 1), switches: switches / max(w.Requests, 1),
	})
}

func (b *bench) wrk(d time.Duration, url string) measure.Wrk {
	w, err := measure.RunWrk(b.threads, b.connections, d, url)
	if err != nil {
		b.Fatalf("%v", err)
	}
	return w
}
