package main

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// spreadOf is least, median and most of some counts.
func spreadOf(counts []int) string {
	if len(counts) == 0 {
		return "none"
	}
	sorted := slices.Sorted(slices.Values(counts))
	return fmt.Sprintf("%d..%d, median %d", sorted[0], sorted[len(sorted)-1], sorted[len(sorted)/2])
}

// held are connections that stay open.
type held struct {
	p       *proof
	clients []*testproc.Client
	failed  int
}

// open makes n connections, spread evenly over a time; 0 is all at once. A
// connection counts as open when the kernel says so, not when a worker has taken it.
func (p *proof) open(s *service, n int, over time.Duration) *held {
	h := &held{p: p, clients: make([]*testproc.Client, n)}
	errs := make([]error, n)
	var wait sync.WaitGroup
	begin := time.Now()
	for i := range h.clients {
		h.clients[i] = &testproc.Client{Network: p.network, Addr: s.addr}
		testproc.Pause(time.Until(begin.Add(over*time.Duration(i)/time.Duration(n))), nil)
		wait.Go(func() { errs[i] = h.clients[i].Open() })
	}
	wait.Wait()
	p.did = fmt.Sprintf("%d connections opened in %v", n, time.Since(begin).Round(time.Millisecond))
	for _, err := range errs {
		if err != nil {
			h.failed++
		}
	}
	p.Cleanup(func() {
		for _, c := range h.clients {
			c.Close()
		}
	})
	return h
}

// count asks on every connection who serves it, and returns the counts per worker.
func (h *held) count(workers int) []int {
	owners := map[int]int{}
	reconnects := 0
	for _, c := range h.clients {
		res := c.Get("/pid")
		h.p.requests++
		if res.Outcome != testproc.OK {
			h.failed++
			continue
		}
		pid, _ := strconv.Atoi(res.Header.Get(testproc.PIDHeader))
		owners[pid]++
		reconnects += max(c.Connects-1, 0)
	}
	h.p.reconnects = reconnects
	if h.failed > 0 {
		h.p.failed = fmt.Sprint(h.failed)
		h.p.broken("%d connections or requests failed", h.failed)
	}
	counts := make([]int, 0, workers)
	for _, n := range owners {
		counts = append(counts, n)
	}
	for len(counts) < workers {
		counts = append(counts, 0)
	}
	return counts
}

// ratio is most by least.
func ratio(counts []int) float64 {
	return float64(slices.Max(counts)) / float64(max(slices.Min(counts), 1))
}

// settle is how long rebalancing may take.
const settle = 5 * time.Second

// spread holds 900 connections that came over 3 s.
func spread(p *proof) {
	const workers, aim = 9, 1.15
	s := p.start(fmt.Sprintf("WEB_WORKERS=%d", workers))
	h := p.open(s, p.pick(900, 270), p.duration(3*time.Second, time.Second))
	counts := h.count(workers)
	p.figure("per worker %s; max/min %.2f", spreadOf(counts), ratio(counts))
	if ratio(counts) > aim && !p.quick {
		p.broken("max/min is above %.2f", aim)
	}
}

// burst holds 900 that came at once.
func burst(p *proof) {
	const workers = 9
	s := p.start(fmt.Sprintf("WEB_WORKERS=%d", workers))
	h := p.open(s, p.pick(900, 270), 0)
	counts := h.count(workers)
	p.figure("at once: per worker %s; max/min %.2f (aim 1.5)", spreadOf(counts), ratio(counts))
	testproc.Pause(settle, nil)
	counts = h.count(workers)
	p.figure("after %v: per worker %s; max/min %.2f (aim 1.15)", settle, spreadOf(counts), ratio(counts))
}

// streams opens 80 streams over 2 s, by one client each, and counts whose they are.
func streams(p *proof) {
	const workers, aim = 8, 2
	n, over := 80, p.duration(2*time.Second, time.Second)
	s := p.start(fmt.Sprintf("WEB_WORKERS=%d", workers))
	owners := map[int]int{}
	var following []*testproc.Following
	begin := time.Now()
	for i := range n {
		testproc.Pause(time.Until(begin.Add(over*time.Duration(i)/time.Duration(n))), nil)
		f := testproc.Follow(p, testproc.Client{Network: p.network, Addr: s.addr}, "/stream?n=40&every=100", 40)
		pid, _ := strconv.Atoi(f.Header().Get(testproc.PIDHeader))
		owners[pid]++
		following = append(following, f)
	}
	p.did = fmt.Sprintf("%d streams opened in %v", n, time.Since(begin).Round(time.Millisecond))
	p.requests = n
	var counts []int
	for _, count := range owners {
		counts = append(counts, count)
	}
	for len(counts) < workers {
		counts = append(counts, 0)
	}
	gap := slices.Max(counts) - slices.Min(counts)
	p.figure("per worker %s; max - min %d", spreadOf(counts), gap)
	if gap > aim && !p.quick {
		p.broken("max - min is above %d", aim)
	}
	cut := 0
	for _, f := range following {
		if f.Wait().Outcome != testproc.OK {
			cut++
		}
	}
	if cut > 0 {
		p.failed = fmt.Sprintf("%d truncated", cut)
		p.broken("%d streams were cut", cut)
	}
}
