package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// counter is an upstream that knows how many requests it has at a time, from
// clients that live: those of a killed worker end when the kernel has closed its
// connections, whenever this process hears of it.
type counter struct {
	server *httptest.Server
	answer atomic.Int64 // nanoseconds that an answer takes; 0 holds it until let go

	mu      sync.Mutex
	let     chan struct{}
	under   map[net.Conn]bool
	most    int
	served  int
	arrived int
}

type connKey struct{}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{under: make(map[net.Conn]bool), let: make(chan struct{})}
	c.server = httptest.NewUnstartedServer(c)
	c.server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, conn)
	}
	c.server.Start()
	t.Cleanup(func() {
		c.letGo()
		c.server.CloseClientConnections()
		c.server.Close()
	})
	return c
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	let := c.enter(conn)
	if d := time.Duration(c.answer.Load()); d > 0 {
		testproc.Pause(d, r.Context().Done())
	} else {
		select {
		case <-let:
		case <-r.Context().Done():
		}
	}
	c.leave(conn) // before the answer is on its way
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"id":"x","object":"chat.completion","choices":[]}`)
}

func (c *counter) enter(conn net.Conn) (let chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.under {
		if hungUp(other) {
			delete(c.under, other)
		}
	}
	c.under[conn] = true
	c.most = max(c.most, len(c.under))
	c.arrived++
	return c.let
}

func (c *counter) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.under, conn)
	c.served++
}

// letGo ends the answers that are held.
func (c *counter) letGo() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.let)
	c.let = make(chan struct{})
}

func (c *counter) counts() (most, served, arrived int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most, c.served, c.arrived
}

// more waits until so many more requests were answered.
func (c *counter) more(t *testing.T, n int) {
	t.Helper()
	_, from, _ := c.counts()
	testproc.Eventually(t, 2*testproc.Patience, testproc.Every, func() bool {
		_, served, _ := c.counts()
		return served >= from+n
	}, "the upstream goes on answering")
}

// hungUp says whether the peer has closed, without taking a byte.
func hungUp(conn net.Conn) (gone bool) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Control(func(fd uintptr) {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		gone = n == 0 && err == nil || err != nil && err != syscall.EAGAIN
	})
	return gone || err != nil
}

const hostLimit = 8

// limited starts four workers with one limit for all of them.
func limited(t *testing.T, c *counter, env ...string) *testproc.Process {
	t.Helper()
	return startUpgradable(t, testproc.Options{App: appAPI, Env: append([]string{
		"WEB_WORKERS=4", "LIMIT_SCOPE=host", "QUEUE_SIZE=1000", "QUEUE_TIMEOUT=60",
		"OPENAI_BASE_URL=" + c.server.URL, "OPENAI_RETRIES=0", "RECYCLE_INTERVAL=0.2",
	}, env...)})
}

const chatPath, chatBody = "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"x"}]}`

// crowd makes requests from n clients until it is stopped. It returns how many
// were answered and how many were not: those that died with a worker.
func crowd(addr string, n int) (stop func() (ok, failed int64)) {
	var answered, broken atomic.Int64
	var all sync.WaitGroup
	ended := make(chan struct{})
	for range n {
		all.Go(func() {
			client := testproc.Client{Addr: addr}
			defer client.Close()
			for {
				select {
				case <-ended:
					return
				default:
				}
				if client.Post(chatPath, chatBody).Outcome == testproc.OK {
					answered.Add(1)
				} else {
					broken.Add(1)
				}
			}
		})
	}
	return func() (int64, int64) {
		close(ended)
		all.Wait()
		return answered.Load(), broken.Load()
	}
}

// TestHostLimitIsExact: 200 clients at four workers, and the upstream never
// sees more than 8 requests, nor fewer than 8 when all is quiet, while
// workers are recycled, killed, reloaded and upgraded.
func TestHostLimitIsExact(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.answer.Store(int64(10 * time.Millisecond))
	p := limited(t, c, "LLM_CONCURRENT_LIMIT=8", "MAX_REQUESTS=150", "MAX_REQUESTS_JITTER=50")
	addr := p.Up()
	p.WaitWorkers(4)
	stop := crowd(addr, 200)
	c.more(t, 200)

	for range 2 {
		killOne(t, p)
		c.more(t, 100)
	}
	mark := p.Log.Mark()
	p.Signal(syscall.SIGHUP)
	c.more(t, 200)
	p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
	second := upgrade(t, p, p.PID())
	c.more(t, 200)

	ok, failed := stop()
	most, served, _ := c.counts()
	t.Logf("%d answered, %d died with a worker, the upstream answered %d", ok, failed, served)
	if most != hostLimit {
		t.Errorf("the upstream had up to %d requests at a time, want exactly %d", most, hostLimit)
	}
	stopOrphan(t, p, second)
}

// killOne kills a worker, whichever has not just been recycled.
func killOne(t *testing.T, p *testproc.Process) {
	t.Helper()
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		for _, pid := range p.WorkerPIDs() {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				return true
			}
		}
		return false
	}, "a worker to kill")
}

// TestKilledHoldersPermitsComeBack: the answers never end, so every permit that
// is used again is one of a worker that was killed.
func TestKilledHoldersPermitsComeBack(t *testing.T) {
	t.Parallel()
	c := newCounter(t) // holds every answer
	p := limited(t, c, "LLM_CONCURRENT_LIMIT=8", "WORKER_TIMEOUT=0")
	addr := p.Up()
	workers := p.WaitWorkers(4)
	stop := crowd(addr, 60)
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		_, _, arrived := c.counts()
		return arrived == hostLimit
	}, "all permits are taken")
	for _, pid := range workers {
		_, _, before := c.counts()
		mark := p.Log.Mark()
		killed := time.Now()
		p.SignalPID(pid, syscall.SIGKILL)
		p.WaitLog(mark, testproc.About("worker died"), "the death is noticed")
		back, held := p.Log.Find(mark, testproc.About("permits of a dead worker are back"))
		if !held {
			continue // it held none; all its requests waited
		}
		n := back.Int("requests")
		testproc.Eventually(t, testproc.Patience, time.Millisecond, func() bool {
			_, _, arrived := c.counts()
			return arrived >= before+n
		}, "those who waited in other workers go on with the permits of the dead")
		t.Logf("%d permits of pid %d were in use again %v after the kill", n, pid, time.Since(killed).Round(time.Millisecond))
	}
	if most, _, _ := c.counts(); most != hostLimit {
		t.Errorf("the upstream had up to %d requests at a time, want exactly %d", most, hostLimit)
	}
	c.answer.Store(int64(time.Millisecond))
	c.letGo()
	stop()
	p.Stop(0)
}

// TestHostLimitIsHot: a reload's limit holds while the old generation still
// has all the permits of the old one.
func TestHostLimitIsHot(t *testing.T) {
	t.Parallel()
	c := newCounter(t) // holds every answer
	p := limited(t, c, "WORKER_TIMEOUT=0", "WATCH=false", "GRACEFUL_TIMEOUT=60")
	limit := func(n string) {
		p.WriteFile("webchasor.yaml", "performance:\n  concurrency:\n    llm_concurrent_limit: "+n+"\n")
		mark := p.Log.Mark()
		p.Signal(syscall.SIGHUP)
		p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
	}
	addr := p.Up()
	limit("2")
	stop := crowd(addr, 20)
	arrived := func(n int) {
		t.Helper()
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
			_, _, arrived := c.counts()
			return arrived == n
		}, "the upstream has as many requests as the limit says")
	}
	arrived(2)
	limit("5")
	arrived(5)
	c.answer.Store(int64(time.Millisecond))
	c.letGo()
	c.more(t, 20)
	if most, _, _ := c.counts(); most != 5 {
		t.Errorf("the upstream had up to %d requests at a time, want exactly 5", most)
	}
	stop()
	p.Stop(0)
}
