package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
	"github.com/webchasor/webchasor/scripts/measure"
)

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// latency compares single calls, one after the other, in alternating rounds.
func latency(out io.Writer, h *testproc.Host, s size, up, via string) {
	c := newClient()
	defer c.CloseIdleConnections()
	round := func(addr string) (p50, p99 float64) {
		var all []time.Duration
		for i := range s.calls + 50 {
			d, err := call(context.Background(), c, addr)
			if err != nil {
				h.Fatalf("%v", err)
			}
			if i >= 50 { // the first ones are to warm up
				all = append(all, d)
			}
		}
		return micros(testproc.Quantile(all, 0.5)), micros(testproc.Quantile(all, 0.99))
	}
	var direct50, direct99, via50, via99 []float64
	for range s.rounds {
		a, b := round(up)
		x, y := round(via)
		direct50, direct99, via50, via99 = append(direct50, a), append(direct99, b), append(via50, x), append(via99, y)
	}
	fmt.Fprintf(out, "\n### Latency of a call, us (one client, 1 KB answers, median of %d rounds of %d calls)\n\n"+
		"| | direct | through the gateway | added |\n|---|---|---|---|\n", s.rounds, s.calls)
	row := func(name string, a, b []float64) {
		x, y := measure.Median(a), measure.Median(b)
		fmt.Fprintf(out, "| %s | %.0f | %.0f | %.0f |\n", name, x, y, y-x)
	}
	row("p50", direct50, via50)
	row("p99", direct99, via99)
}

// wire measures how old a chunk is when the client has it.
func wire(out io.Writer, h *testproc.Host, s size, up, via string) {
	chunks := int(s.wire/time.Millisecond) / s.every
	fmt.Fprintf(out, "\n### From the upstream's write to the client's read, ms (%d streams, a chunk each %d ms, %d chunks each)\n\n"+
		"| | p50 | p99 | worst | aim of p99 |\n|---|---|---|---|---|\n", s.streams, s.every, chunks)
	for _, side := range []struct{ name, addr string }{{"direct", up}, {"through the gateway", via}} {
		c := newClient()
		ages := make([][]time.Duration, s.streams)
		var all sync.WaitGroup
		for i := range ages {
			all.Go(func() {
				err := follow(context.Background(), c, side.addr, chunks, s.every, func() {}, func(age time.Duration) { ages[i] = append(ages[i], age) })
				if err != nil {
					h.Errorf("stream %d, %s: %v", i, side.name, err)
				}
			})
		}
		all.Wait()
		c.CloseIdleConnections()
		var flat []time.Duration
		for _, a := range ages {
			flat = append(flat, a...)
		}
		if len(flat) == 0 {
			h.Fatalf("no chunk came")
		}
		fmt.Fprintf(out, "| %s | %.2f | %.2f | %.2f | < 10 |\n", side.name,
			millis(testproc.Quantile(flat, 0.5)), millis(testproc.Quantile(flat, 0.99)), millis(testproc.Quantile(flat, 1)))
	}
}

// throughput has 64 clients that ask as fast as they get answers.
func throughput(out io.Writer, h *testproc.Host, s size, up, via string) {
	fmt.Fprintf(out, "\n### Throughput, requests/s (64 clients, 1 KB answers, %v)\n\n| direct | through the gateway | ratio |\n|---|---|---|\n", s.load)
	rate := func(addr string) float64 {
		c := newClient()
		defer c.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), s.load)
		defer cancel()
		var n atomic.Int64
		var all sync.WaitGroup
		begin := time.Now()
		for range 64 {
			all.Go(func() {
				for ctx.Err() == nil {
					if _, err := call(ctx, c, addr); err == nil {
						n.Add(1)
					} else if ctx.Err() == nil {
						h.Errorf("%v", err)
						return
					}
				}
			})
		}
		all.Wait()
		return float64(n.Load()) / time.Since(begin).Seconds()
	}
	a, b := rate(up), rate(via)
	fmt.Fprintf(out, "| %.0f | %.0f | %.2f |\n", a, b, b/a)
}

// held opens slow streams until all are open at once, holds them, and counts what is lost.
func held(out io.Writer, h *testproc.Host, s size, via string, server *testproc.Process) {
	memory := func() (kb float64) {
		for _, pid := range server.WorkerPIDs() {
			kb += measure.PSS(pid) * 1024
		}
		return kb
	}
	const every = 5000
	before, workers := memory(), server.WorkerPIDs()
	c := newClient()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var open, whole atomic.Int64
	var all sync.WaitGroup
	var lost losses
	places := make(chan struct{}, 100) // streams that are being opened
	begin := time.Now()
	chunks := int((s.hold+time.Duration(s.held/200)*time.Second)/time.Millisecond)/every + 1
	for range s.held {
		places <- struct{}{}
		all.Go(func() {
			entered := sync.OnceFunc(func() { <-places })
			err := follow(ctx, c, via, chunks, every, func() {
				open.Add(1)
				entered()
			}, func(time.Duration) {})
			entered()
			if err != nil {
				lost.note(time.Since(begin), err)
				return
			}
			whole.Add(1)
		})
	}
	testproc.Poll(time.Minute, testproc.Every, func() bool { return open.Load()+int64(lost.count()) >= int64(s.held) })
	opened := time.Since(begin)
	most := open.Load() - whole.Load()
	testproc.Pause(s.hold/2, nil)
	after := memory()
	all.Wait()
	c.CloseIdleConnections()
	fmt.Fprintf(out, "\n### Slow streams held at once (a chunk each %d s, %d chunks each)\n\n"+
		"| streams | open at once | opened within, s | whole | lost | PSS of all workers before, MB | with them, MB | KB per stream | aim |\n|---|---|---|---|---|---|---|---|---|\n"+
		"| %d | %d | %.1f | %d | %d | %.0f | %.0f | %.1f | < 40 |\n",
		every/1000, chunks, s.held, most, opened.Seconds(), whole.Load(), lost.count(), before/1024, after/1024, (after-before)/float64(s.held))
	if lost.count() > 0 {
		if now := server.WorkerPIDs(); !slices.Equal(now, workers) {
			h.Errorf("the workers were %v and are %v", workers, now)
		}
		h.Errorf("%d streams were lost; by the second in which they were:\n%s", lost.count(), &lost)
	}
}

// losses are the streams that did not come to their end, and why not.
type losses struct {
	mu  sync.Mutex
	all map[string]int
	n   int
}

func (l *losses) note(after time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[string]int{}
	}
	l.n++
	l.all[fmt.Sprintf("%3.0f s: %v", after.Seconds(), err)]++
}

func (l *losses) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

func (l *losses) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var text strings.Builder
	for i, what := range slices.Sorted(maps.Keys(l.all)) {
		if i == 20 {
			fmt.Fprintf(&text, "and %d more kinds\n", len(l.all)-i)
			break
		}
		fmt.Fprintf(&text, "%6d at %s\n", l.all[what], what)
	}
	return text.String()
}
