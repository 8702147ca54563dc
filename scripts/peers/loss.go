package main

import (
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// gap lies between two reloads, and between two kills.
const gap = 2 * time.Second

// loss is what clients noticed of something done several times.
type loss struct {
	times  int
	report testproc.MixReport
}

// under does something several times under the standard load.
func (b *bench) under(s *server, times int, deed func()) *loss {
	mix := testproc.StandardMix("tcp", s.addr)
	mix.Timeout = 5 * time.Second
	load := testproc.StartMix(b, mix)
	load.WaitRequests(b, 200)
	for range times {
		deed()
		testproc.Pause(gap, nil)
	}
	return &loss{times: times, report: load.Stop()}
}

// reloads has six graceful reloads in 12 seconds.
func (b *bench) reloads(p peer) {
	if p.reload == 0 || p.speedOnly {
		return
	}
	s := b.start(p)
	b.results[p.name].reload = b.under(s, b.pick(6, 2), func() { s.Signal(p.reload) })
}

// kills ends six random workers by SIGKILL, one after another.
func (b *bench) kills(p peer) {
	if !p.supervised || p.speedOnly {
		return
	}
	s := b.start(p)
	b.results[p.name].kill = b.under(s, b.pick(6, 2), func() {
		if pids := s.workerPIDs(); len(pids) > 0 {
			s.SignalPID(pids[rand.IntN(len(pids))], syscall.SIGKILL)
		}
	})
}
