package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// gateway starts the real program in front of a scripted upstream.
func gateway(t *testing.T, env ...string) (*testproc.Process, *upstreamtest.Server, string) {
	t.Helper()
	up, err := upstreamtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	p := startWith(t, testproc.Options{App: appAPI, Env: append([]string{"WEB_WORKERS=1", "OPENAI_BASE_URL=" + up.URL(), "OPENAI_RETRIES=0"}, env...)})
	return p, up, p.Up()
}

// leaver is a client that leaves in the middle.
type leaver struct {
	stream bool // after the first event; else before the status line
	more   bool // with bytes of a next request behind the first
	reset  bool // by RST; else by FIN
}

func (l leaver) String() string {
	return fmt.Sprintf("stream %v, pipelined %v, reset %v", l.stream, l.more, l.reset)
}

var leavers = []leaver{
	{},
	{reset: true},
	{more: true},
	{more: true, reset: true},
	{stream: true},
	{stream: true, reset: true},
	{stream: true, more: true},
	{stream: true, more: true, reset: true},
}

// leave sends a request, waits until it is under way, and goes. answered says
// when a request that gets no answer has reached the upstream.
func (l leaver) leave(addr string, id int, arrived func(id int) bool) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	body := fmt.Sprintf(`{"model":"m%d","stream":%v,"messages":[{"role":"user","content":"x"}]}`, id, l.stream)
	request := fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	if l.more {
		request += "GET /health HTTP/1.1\r\nHost: x\r\n"
	}
	if _, err := conn.Write([]byte(request)); err != nil {
		return err
	}
	if l.stream {
		lines := bufio.NewScanner(conn)
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
		}
		if lines.Err() != nil {
			return lines.Err()
		}
	} else if !testproc.Poll(testproc.Patience, testproc.Every, func() bool { return arrived(id) }) {
		return fmt.Errorf("request %d did not reach the upstream", id)
	}
	if l.reset {
		if tcp, ok := conn.(*net.TCPConn); ok {
			return tcp.SetLinger(0)
		}
	}
	return nil
}

// arrivals knows which requests the upstream has seen.
type arrivals struct {
	mu   sync.Mutex
	seen map[string]bool
}

// stall answers a stream with two events and silence, all else with silence.
func (a *arrivals) stall(r upstreamtest.Request) upstreamtest.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen[r.Model] = true
	if r.Stream {
		return upstreamtest.Answer{Text: "one two three", StallAfter: 2}
	}
	return upstreamtest.Answer{StallAfter: -1}
}

func (a *arrivals) has(id int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen[fmt.Sprintf("m%d", id)]
}

// TestClientGoneMeansUpstreamCancelled: however a client leaves, its upstream
// request ends, its permit comes back, and the access log says 499.
func TestClientGoneMeansUpstreamCancelled(t *testing.T) {
	t.Parallel()
	p, up, addr := gateway(t, "LLM_CONCURRENT_LIMIT=1", "QUEUE_SIZE=0", "ACCESS_LOG=-")
	seen := arrivals{seen: map[string]bool{}}
	up.Script(seen.stall)
	for i, l := range leavers {
		// One permit: the one before must have given it back.
		if err := l.leave(addr, i, seen.has); err != nil {
			t.Fatalf("%v: %v", l, err)
		}
		left := time.Now()
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return up.Active() == 0 && len(up.Cancelled()) == i+1 },
			"the upstream request of a client that left is cancelled: "+l.String())
		within(t, left, 3*time.Second, "a second is promised; to cancel the upstream request of a client that left: "+l.String())
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return strings.Count(p.Out.String(), `" 499 `) == i+1 },
			"the access log says 499: "+l.String())
	}
	up.Script(nil)
	client := testproc.Client{Addr: addr}
	defer client.Close()
	if res := client.Post("/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"x"}]}`); res.Status != 200 {
		t.Errorf("afterwards: %v", res)
	}
	p.Stop(0)
}

// abortsEnv is how many clients leave in TestManyAborts; 10000 is the promise,
// the default is for every day.
const abortsEnv = "WEBCHASOR_ABORTS"

// TestManyAborts: thousands of clients that leave cost nothing that stays.
func TestManyAborts(t *testing.T) {
	t.Parallel()
	n := 400
	if text := os.Getenv(abortsEnv); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	const crowd = 20
	socket := t.TempDir() + "/control.sock"
	p, up, addr := gateway(t, fmt.Sprintf("LLM_CONCURRENT_LIMIT=%d", 2*crowd), "QUEUE_TIMEOUT=30", "CONTROL_SOCKET="+socket)
	worker := control.New(socket)
	warm := testproc.Client{Addr: addr, Fresh: true} // what begins with the first request belongs to an idle worker
	if res := warm.Post("/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"x"}]}`); res.Status != http.StatusOK {
		t.Fatalf("at first: %v", res)
	}
	up.CloseConnections()
	before := busy(t, worker)
	seen := arrivals{seen: map[string]bool{}}
	up.Script(seen.stall)
	ids := make(chan int)
	var clients sync.WaitGroup
	for range crowd {
		clients.Go(func() {
			for id := range ids {
				if err := leavers[id%len(leavers)].leave(addr, id, seen.has); err != nil {
					t.Errorf("client %d (%v): %v", id, leavers[id%len(leavers)], err)
				}
			}
		})
	}
	for id := range n {
		ids <- id
	}
	close(ids)
	clients.Wait()
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return up.Active() == 0 && len(up.Cancelled()) == n }, "every upstream request is cancelled")

	// All permits are there: that many at once, with nobody in the queue.
	up.Answer(upstreamtest.Answer{StallAfter: -1})
	holders := make([]testproc.Client, 2*crowd)
	for i := range holders {
		holders[i] = testproc.Client{Addr: addr, Fresh: true}
		clients.Go(func() {
			holders[i].Post("/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"x"}]}`)
		})
	}
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return up.Active() == 2*crowd }, "all permits are back")
	up.CloseConnections()
	clients.Wait()

	left := -1
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		left = busy(t, worker)
		return left <= before
	}, fmt.Sprintf("%d goroutines as before the aborts", before))
	t.Logf("%d goroutines before and %d after %d aborts", before, left, n)
	p.Stop(0)
}

// busy counts the goroutines of the worker of slot 0, but for those of fasthttp that wait
// for the next connection: it ends them when they have waited for 10 s.
func busy(t *testing.T, worker *control.Client) (n int) {
	t.Helper()
	s, err := worker.Stacks(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range s.Groups {
		stack := strings.Join(g.Frames, "\n")
		if waits := strings.Contains(stack, "workerFunc") && !strings.Contains(stack, "serveConn"); !waits {
			n += g.Count
		}
	}
	return n
}
