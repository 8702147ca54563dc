package testproc

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const pidAnswer = "HTTP/1.1 200 OK\r\n" + PIDHeader + ": 7\r\nContent-Length: 0\r\n\r\n"

// polite answers every request, streams included; it closes after `limit`
// requests of a connection when limit is not 0, and says so when announce.
func polite(limit int, announce bool) func(int, *net.TCPConn, *bufio.Reader) {
	return func(_ int, conn *net.TCPConn, br *bufio.Reader) {
		for n := 1; ; n++ {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			answer := pidAnswer
			if req.URL.Path == "/stream" {
				answer = strings.Replace(pidAnswer, "Content-Length: 0", "Transfer-Encoding: chunked", 1) + events(req)
			}
			last := n == limit
			if last && announce {
				answer = strings.Replace(answer, "\r\n", "\r\nConnection: close\r\n", 1)
			}
			_, _ = io.WriteString(conn, answer)
			if last {
				return
			}
		}
	}
}

func events(req *http.Request) string {
	var n int
	_, _ = fmt.Sscan(req.URL.Query().Get("n"), &n)
	text := ""
	for i := range n {
		text += fmt.Sprintf("data: %d\n\n", i)
	}
	text += "data: [DONE]\n\n"
	return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(text), text)
}

func runMix(t *testing.T, behave func(int, *net.TCPConn, *bufio.Reader), mix Mix, requests int) MixReport {
	t.Helper()
	mix.Addr = serve(t, behave)
	m := StartMix(t, mix)
	m.WaitRequests(t, requests)
	return m.Stop()
}

func TestMixKeepsItsConnections(t *testing.T) {
	r := runMix(t, polite(0, false), Mix{Busy: 2, Thinking: 2, Connecting: 1, Streaming: 2, Think: time.Millisecond, Events: 5}, 300)
	r.ExpectUnnoticed(t)
	if r.PIDs[7] != r.Requests || r.Streams == 0 || r.StreamReconnects > 0 || r.Connects < 7 {
		t.Errorf("%v", r)
	}
	if len(r.Samples)+r.Streams != r.Requests || r.Latency(0.5) <= 0 || r.Latency(0.5) > r.Latency(1) {
		t.Errorf("%d samples, median %v, most %v", len(r.Samples), r.Latency(0.5), r.Latency(1))
	}
}

func TestMixSeesCloses(t *testing.T) {
	cases := map[string]struct {
		announce bool
		how      string
	}{"announced": {true, ClosedAnnounced}, "idle": {false, ClosedIdle}}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			// The pause gives an unannounced close the time to arrive.
			r := runMix(t, polite(3, c.announce), Mix{Busy: 1, Pace: 20 * time.Millisecond}, 10)
			if r.Failed() > 0 || r.Reconnects < 3 || len(r.Closes) < 3 {
				t.Fatalf("%v", r)
			}
			for _, closed := range r.Closes {
				if closed.How != c.how || closed.Owner != 7 || closed.Local == "" {
					t.Errorf("%+v", closed)
				}
			}
			if failed, _ := record(t, r.ExpectUnnoticed); !failed {
				t.Error("the report passed as unnoticed")
			}
		})
	}
}

// TestMixNamesTheConnection: a failure can be found in the server's table.
func TestMixNamesTheConnection(t *testing.T) {
	var mu sync.Mutex
	var peers []string // any number: the client goes on until the load is stopped
	r := runMix(t, func(_ int, conn *net.TCPConn, br *bufio.Reader) {
		mu.Lock()
		peers = append(peers, conn.RemoteAddr().String())
		mu.Unlock()
		if readRequest(br) {
			_, _ = io.WriteString(conn, pidAnswer)
			readRequest(br)
		}
	}, Mix{Busy: 1}, 4)
	if r.Failed() == 0 || r.Failed() != len(r.Misses) {
		t.Fatalf("%v", r)
	}
	mu.Lock()
	defer mu.Unlock()
	for i, miss := range r.Misses {
		if peer := peers[i]; miss.Local != peer || miss.Owner != 7 || miss.Result.Outcome != ResetReused {
			t.Errorf("the server saw %s, the client says %+v", peer, miss)
		}
	}
}

func TestFollow(t *testing.T) {
	addr := serve(t, polite(0, false))
	if res := Follow(t, Client{Addr: addr}, "/stream?n=3", 3).Wait(); res.Outcome != OK {
		t.Errorf("a whole stream: %v", res)
	}
	if res := Follow(t, Client{Addr: addr}, "/stream?n=3", 4).Wait(); res.Outcome != Truncated {
		t.Errorf("a stream that lacks an event: %v", res)
	}
}

func TestHost(t *testing.T) {
	h := NewHost("test host")
	var order []int
	whole := h.Do(func() {
		h.Cleanup(func() { order = append(order, 1) })
		h.Cleanup(func() { order = append(order, 2) })
		h.Fatalf("on purpose")
	})
	if whole || !h.Failed() || len(order) != 2 || order[0] != 2 {
		t.Errorf("whole %v, failed %v, cleanups %v", whole, h.Failed(), order)
	}
	h.Forgive()
	if !h.Do(func() {}) || h.Failed() {
		t.Error("the failure is not forgiven")
	}
}
