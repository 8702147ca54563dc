package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// gauge is what a master must not have more and more of.
type gauge struct {
	name             string
	slack            int // what the last look may be above the first
	first, last, max int
	seen             bool
}

func (g *gauge) take(n int) {
	if !g.seen {
		g.first, g.seen = n, true
	}
	g.last, g.max = n, max(g.max, n)
}

// gauges are looked at together.
type gauges struct {
	files, threads, memory gauge
}

func newGauges() *gauges {
	return &gauges{
		files:   gauge{name: "descriptors", slack: 30}, // a worker that starts or leaves has some
		threads: gauge{name: "threads", slack: 8},
		memory:  gauge{name: "MiB", slack: 16},
	}
}

// look passes over a master that is just leaving.
func (g *gauges) look(master int) {
	fds, err := testproc.Descriptors(master)
	proc, gone := testproc.ReadProc(master)
	mib := resident(master)
	if err != nil || gone != nil || mib == 0 {
		return
	}
	g.files.take(len(fds))
	g.threads.take(proc.Threads)
	g.memory.take(mib)
}

// report notes the figures, and what grew.
func (g *gauges) report(p *proof, over string) {
	for _, one := range []gauge{g.files, g.threads, g.memory} {
		p.figure("%s over %s: %d first, %d last, %d most", one.name, over, one.first, one.last, one.max)
		if one.last > one.first+one.slack {
			p.broken("the master's %s grew from %d to %d over %s", one.name, one.first, one.last, over)
		}
	}
}

// soak has one master recycle its workers for long, then a row of masters follow
// each other, and watches what they hold. The first look is when a twentieth is done.
func soak(p *proof) {
	recycles, upgrades := p.pick(10_000, 200), p.pick(50, 3)
	s := p.start("WEB_WORKERS=2", "MAX_REQUESTS=5", "MAX_REQUESTS_JITTER=0")
	load := testproc.StartLoad(p, testproc.Load{Addr: s.addr, Busy: 2})
	begin, mark, done := time.Now(), 0, 0
	isRecycle := testproc.Msg(msgDraining, "reason", "max_requests")
	recycled := func(n int, look func()) {
		for ; done < n; testproc.Pause(100*time.Millisecond, nil) {
			done += len(s.Log.Lines(mark, func(l testproc.Line) bool {
				mark++ // every line once, however long the log is
				return isRecycle(l)
			}))
			look()
			if time.Since(begin) > time.Hour {
				p.Fatalf("only %d recycles in an hour", done)
			}
		}
	}
	recycled(recycles/20, func() {})
	one := newGauges()
	recycled(recycles, func() { one.look(s.master) })
	one.report(p, fmt.Sprintf("%d recycles", done))
	row := newGauges()
	for range upgrades {
		s.upgrade()
		testproc.Pause(300*time.Millisecond, nil) // until the new master knows that the old one is gone
		row.look(s.master)
	}
	row.report(p, fmt.Sprintf("%d upgrades", upgrades))
	p.did = fmt.Sprintf("%d recycles and %d upgrades in %v", done, upgrades, time.Since(begin).Round(time.Second))
	r := load.Stop()
	p.requests = r.Requests
	if r.Failed() > 0 {
		p.broken("%d requests failed: %v", r.Failed(), r)
	}
	s.unharmed()
}

// resident is VmRSS of proc_pid_status(5) in MiB; 0 if the process is gone.
func resident(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.Atoi(fields[0])
	return kib >> 10
}
