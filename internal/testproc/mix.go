package testproc

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Mix is the load that the promises are made for: clients that keep their
// connection and never rest, clients that keep it and think, clients that
// connect for every request, and clients that read one stream after another.
type Mix struct {
	Network, Addr string
	// Busy, Thinking, Connecting and Streaming are numbers of clients.
	Busy, Thinking, Connecting, Streaming int
	// Think bounds the random pause of a thinking client, Pace is the pause of
	// busy and connecting ones.
	Think, Pace time.Duration
	// Path is what everybody asks for, ConnectPath what connecting clients ask
	// for instead; "" is /pid.
	Path, ConnectPath string
	// Events is how many events a stream has, and Every what lies between two.
	Events int
	Every  time.Duration
	// Timeout of one request; 0 is [Patience].
	Timeout time.Duration
}

// StandardMix is the load that peers are compared under: 8 busy clients, 48
// that think for up to 200 ms, 4 that connect for every request.
func StandardMix(network, addr string) Mix {
	return Mix{Network: network, Addr: addr, Busy: 8, Thinking: 48, Connecting: 4, Think: 200 * time.Millisecond}
}

// Mixing is a mix under way.
type Mixing struct {
	mix  Mix
	stop chan struct{}
	once sync.Once
	wait sync.WaitGroup

	requests, failed atomic.Int64

	mu     sync.Mutex
	report MixReport
}

// StartMix starts the clients. The cleanup stops them.
func StartMix(t T, mix Mix) *Mixing {
	if mix.Path == "" {
		mix.Path = "/pid"
	}
	if mix.ConnectPath == "" {
		mix.ConnectPath = mix.Path
	}
	if mix.Events == 0 {
		mix.Events = 20
	}
	if mix.Every == 0 {
		mix.Every = 100 * time.Millisecond
	}
	m := &Mixing{mix: mix, stop: make(chan struct{})}
	m.report = MixReport{Began: time.Now(), Outcomes: map[Outcome]int{}, PIDs: map[int]int{}}
	start := func(n int, kind Kind) {
		for range n {
			c := &mixClient{mix: m, kind: kind, client: Client{
				Network: mix.Network, Addr: mix.Addr, Timeout: mix.Timeout, Fresh: kind == Connecting,
			}}
			m.wait.Go(c.live)
		}
	}
	start(mix.Busy, Busy)
	start(mix.Thinking, Thinking)
	start(mix.Connecting, Connecting)
	start(mix.Streaming, Streaming)
	t.Cleanup(func() { m.Stop() })
	return m
}

// Addr is where the clients connect.
func (m *Mixing) Addr() string { return m.mix.Addr }

// Requests is how many requests have been answered or have failed so far.
func (m *Mixing) Requests() int { return int(m.requests.Load()) }

// Failed is how many of them have failed.
func (m *Mixing) Failed() int { return int(m.failed.Load()) }

// WaitRequests waits until n more requests have had their answer.
func (m *Mixing) WaitRequests(t T, n int) {
	t.Helper()
	goal := m.Requests() + n
	Eventually(t, Patience, Every, func() bool { return m.Requests() >= goal }, fmt.Sprintf("%d more requests", n))
}

// Stop ends the load and returns the report. Requests and streams under way
// are finished first.
func (m *Mixing) Stop() MixReport {
	m.once.Do(func() { close(m.stop) })
	m.wait.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.report
}

// mixClient is one client. Its counts are its own until it ends.
type mixClient struct {
	mix    *Mixing
	kind   Kind
	client Client
	owner  int // pid of the last answer on the connection, 0 when it has given none
	own    MixReport
}

func (c *mixClient) live() {
	c.own = MixReport{Outcomes: map[Outcome]int{}, PIDs: map[int]int{}}
	for c.pause() {
		if c.kind == Streaming {
			c.stream()
		} else {
			c.request()
		}
	}
	c.client.Close()
	c.own.Connects = c.client.Connects
	switch again := max(c.client.Connects-1, 0); c.kind {
	case Connecting:
	case Streaming:
		c.own.StreamReconnects = again
	default:
		c.own.Reconnects = again
	}
	c.mix.mu.Lock()
	defer c.mix.mu.Unlock()
	c.mix.report.add(c.own)
}

func (c *mixClient) pause() bool {
	d := c.mix.mix.Pace
	if c.kind == Thinking {
		d = time.Duration(rand.Float64() * float64(c.mix.mix.Think))
	}
	return Pause(d, c.mix.stop)
}

// request is [Client.Do] with an eye on which connection it was, and whose.
func (c *mixClient) request() {
	path := c.mix.mix.Path
	if c.kind == Connecting {
		path = c.mix.mix.ConnectPath
	}
	start := time.Now()
	local := c.lookFirst()
	res := c.client.roundTrip(http.MethodGet, path, "")
	res.Elapsed = time.Since(start)
	if c.client.conn != nil {
		local = c.client.conn.LocalAddr().String()
	}
	c.finish(start, local, res)
}

// stream reads a whole stream of numbered events.
func (c *mixClient) stream() {
	start := time.Now()
	local := c.lookFirst()
	res, resp := c.client.send(http.MethodGet, fmt.Sprintf("/stream?n=%d&every=%d", c.mix.mix.Events, c.mix.mix.Every.Milliseconds()), "")
	if c.client.conn != nil {
		local = c.client.conn.LocalAddr().String()
	}
	if resp != nil {
		res = c.client.readEvents(res, resp, c.mix.mix.Events)
	}
	res.Elapsed = time.Since(start)
	if res.Outcome == OK {
		c.own.Streams++
	}
	c.finish(start, local, res)
}

// lookFirst notices a connection that the server has closed between two
// requests, and returns the client's end of the one that is left.
func (c *mixClient) lookFirst() (local string) {
	if c.client.conn == nil {
		c.owner = 0
		return ""
	}
	local = c.client.conn.LocalAddr().String()
	c.client.dropIfClosed()
	if c.client.conn == nil {
		c.own.Closes = append(c.own.Closes, Close{Kind: c.kind, At: time.Now(), Local: local, Owner: c.owner, How: ClosedIdle})
		c.owner = 0
		return ""
	}
	return local
}

func (c *mixClient) finish(start time.Time, local string, res Result) {
	c.mix.requests.Add(1)
	c.own.Requests++
	c.own.Outcomes[res.Outcome]++
	pid, _ := strconv.Atoi(res.Header.Get(PIDHeader))
	if pid != 0 {
		c.own.PIDs[pid]++
	}
	if c.kind != Streaming {
		c.own.Samples = append(c.own.Samples, Sample{
			Kind: c.kind, Fresh: !res.Reused, OK: res.Outcome == OK,
			Start: start.Sub(c.mix.report.Began), Elapsed: res.Elapsed, Owner: max(pid, c.owner),
		})
	}
	if res.Outcome != OK {
		c.mix.failed.Add(1)
		res.Header = nil
		c.own.Misses = append(c.own.Misses, Miss{Kind: c.kind, Start: start, End: time.Now(), Local: local, Owner: c.owner, Result: res})
	}
	if pid != 0 {
		c.owner = pid
	}
	if res.Err == nil && !res.Closing && !c.client.Fresh {
		return
	}
	if res.Err == nil && res.Closing && !c.client.Fresh {
		c.own.Closes = append(c.own.Closes, Close{Kind: c.kind, At: time.Now(), Local: local, Owner: c.owner, How: ClosedAnnounced})
	}
	c.client.Close()
	c.owner = 0
}
