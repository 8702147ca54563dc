package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// ratePass is one round of a connection per request.
type ratePass struct {
	perSecond, switches float64 // connections, and voluntary switches per connection
	failed              int64
}

// rate compares slot sockets with one inherited listener: 33 workers, a new
// connection for every request, alternating rounds, medians.
func rate(p *proof) {
	const workers, aim, most = 33, 1.6, 6.0
	rounds, length := p.pick(3, 1), p.duration(6*time.Second, 2*time.Second)
	modes := []string{"sharded", "shared"}
	passes := map[string][]ratePass{}
	for range rounds {
		for _, mode := range modes {
			passes[mode] = append(passes[mode], p.ratePass(workers, mode, length))
		}
		slices.Reverse(modes)
	}
	p.did = fmt.Sprintf("%d workers, a connection per request by 64 clients, %d rounds of %v each way", workers, rounds, length)
	var failed int64
	median := map[string]ratePass{}
	for mode, list := range passes {
		var perSecond, switches []float64
		for _, pass := range list {
			perSecond, switches = append(perSecond, pass.perSecond), append(switches, pass.switches)
			failed += pass.failed
			p.requests += int(pass.perSecond * length.Seconds())
		}
		median[mode] = ratePass{perSecond: middle(perSecond), switches: middle(switches)}
		p.figure("%s: %.0f connections/s (%.0f..%.0f), %.1f voluntary switches each", mode, median[mode].perSecond,
			slices.Min(perSecond), slices.Max(perSecond), median[mode].switches)
	}
	gain := median["sharded"].perSecond / median["shared"].perSecond
	p.figure("ratio %.2f (aim %.1f)", gain, aim)
	if failed > 0 {
		p.failed = fmt.Sprint(failed)
		p.broken("%d connections failed", failed)
	}
	if gain < aim && !p.quick {
		p.broken("the ratio is below %.1f", aim)
	}
	if median["sharded"].switches > most && !p.quick {
		p.broken("more than %.0f voluntary switches per connection", most)
	}
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// ratePass starts a service of its own and ends it before it returns.
func (p *proof) ratePass(workers int, mode string, length time.Duration) (pass ratePass) {
	p.Do(func() {
		s := p.start(fmt.Sprintf("WEB_WORKERS=%d", workers), "ACCEPT="+mode)
		hammer(s.addr, length/4) // caches and heaps warm up
		before := testproc.VoluntarySwitches(s.pids()...)
		begin := time.Now()
		done, failed := hammer(s.addr, length)
		took := time.Since(begin)
		switches := testproc.VoluntarySwitches(s.pids()...) - before
		pass = ratePass{
			perSecond: float64(done) / took.Seconds(),
			switches:  float64(switches) / float64(max(done, 1)),
			failed:    failed,
		}
	})
	return pass
}

// hammer connects, asks and closes in 64 goroutines for a while. The strict
// client would cost more than the server; this one reads one small answer.
func hammer(addr string, length time.Duration) (done, failed int64) {
	request := []byte(testproc.Request("/pid"))
	var ok, bad atomic.Int64
	var wait sync.WaitGroup
	end := time.Now().Add(length)
	for range 64 {
		wait.Go(func() {
			answer := make([]byte, 1024)
			for time.Now().Before(end) {
				if once(addr, request, answer) {
					ok.Add(1)
				} else {
					bad.Add(1)
				}
			}
		})
	}
	wait.Wait()
	return ok.Load(), bad.Load()
}

func once(addr string, request, answer []byte) bool {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(request); err != nil {
		return false
	}
	n, err := conn.Read(answer)
	return (err == nil || errors.Is(err, io.EOF)) && bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200 "))
}
