package sys

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func startWatcher(t *testing.T) (*HangupWatcher, <-chan uint64) {
	t.Helper()
	h, err := NewHangupWatcher()
	if err != nil {
		t.Fatal(err)
	}
	tokens := make(chan uint64, 100)
	done := make(chan error, 1)
	go func() { done <- h.Run(func(token uint64) { tokens <- token }) }()
	t.Cleanup(func() {
		_ = h.Close()
		if err := within(t, "end of Run", done); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return h, tokens
}

func watch(t *testing.T, h *HangupWatcher, c syscall.Conn, token uint64) {
	t.Helper()
	if err := WithFD(c, func(fd int) error { return h.Add(fd, token) }); err != nil {
		t.Fatal(err)
	}
}

func TestHangupWatcher(t *testing.T) {
	cases := map[string]func(c *net.TCPConn) error{
		"close": func(c *net.TCPConn) error { return c.Close() },
		"half close": func(c *net.TCPConn) error {
			return c.CloseWrite()
		},
		"reset": func(c *net.TCPConn) error {
			return errors.Join(c.SetLinger(0), c.Close())
		},
		"close behind unread bytes": func(c *net.TCPConn) error {
			_, err := c.Write([]byte(strings.Repeat("GET / HTTP/1.1\r\n\r\n", 10)))
			return errors.Join(err, c.Close())
		},
	}
	for name, hangUp := range cases {
		t.Run(name, func(t *testing.T) {
			h, tokens := startWatcher(t)
			client, server := tcpPair(t)
			const token = 1<<63 | 1<<32 | 1<<31 | 7 // both halves arrive
			watch(t, h, server, token)
			if err := hangUp(client); err != nil {
				t.Fatal(err)
			}
			if got := within(t, "report", tokens); got != token {
				t.Errorf("token is %#x, want %#x", got, uint64(token))
			}
		})
	}
}

func TestHangupWatcherSeesWhatHappenedBefore(t *testing.T) {
	h, tokens := startWatcher(t)
	client, server := tcpPair(t)
	_ = client.Close()
	if _, err := server.Read(make([]byte, 1)); err == nil {
		t.Fatal("no end of file")
	}
	watch(t, h, server, 1)
	if got := within(t, "report", tokens); got != 1 {
		t.Errorf("token is %d", got)
	}
}

// Bytes are no hang-up, and neither is a connection that was removed: the next
// report is the one of the sentinel.
func TestHangupWatcherIsQuiet(t *testing.T) {
	h, tokens := startWatcher(t)
	talking, server1 := tcpPair(t)
	removed, server2 := tcpPair(t)
	sentinel, server3 := tcpPair(t)
	watch(t, h, server1, 1)
	watch(t, h, server2, 2)
	if _, err := talking.Write([]byte("more")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is unknown, which is no error
		if err := WithFD(server2, h.Remove); err != nil {
			t.Fatal(err)
		}
	}
	_ = removed.Close()
	if _, err := server2.Read(make([]byte, 1)); err == nil {
		t.Fatal("no end of file")
	}
	watch(t, h, server3, 3)
	_ = sentinel.Close()
	if got := within(t, "report", tokens); got != 3 {
		t.Errorf("token is %d, want only the sentinel's", got)
	}
}

func TestHangupWatcherReportsOnceAndIsArmedAgain(t *testing.T) {
	h, tokens := startWatcher(t)
	client, server := tcpPair(t)
	watch(t, h, server, 1)
	watch(t, h, server, 2) // replaces the token
	_ = client.Close()
	if got := within(t, "report", tokens); got != 2 {
		t.Errorf("token is %d, want 2", got)
	}
	watch(t, h, server, 3)
	if got := within(t, "second report", tokens); got != 3 {
		t.Errorf("token is %d, want 3", got)
	}
	if len(tokens) != 0 {
		t.Errorf("a report came twice: token %d", <-tokens)
	}
}

func TestHangupWatcherReportsCrowds(t *testing.T) {
	h, tokens := startWatcher(t)
	const n = 150 // more than one epoll_wait returns
	seen := map[uint64]bool{}
	for i := range uint64(n) {
		client, server := tcpPair(t)
		watch(t, h, server, i)
		_ = client.Close()
	}
	for range n {
		seen[within(t, "report", tokens)] = true
	}
	if len(seen) != n {
		t.Errorf("%d of %d reported", len(seen), n)
	}
}

func TestHangupWatcherNeedsNoThread(t *testing.T) {
	threads := func() int {
		list, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	before := threads()
	const n = 100
	for range n {
		h, tokens := startWatcher(t)
		// One report proves that Run is in its wait.
		client, server := tcpPair(t)
		watch(t, h, server, 1)
		_ = client.Close()
		within(t, "report", tokens)
	}
	if after := threads(); after-before > n/2 {
		t.Errorf("%d watchers took %d threads", n, after-before)
	}
}

func TestHangupWatcherAfterClose(t *testing.T) {
	h, err := NewHangupWatcher()
	if err != nil {
		t.Fatal(err)
	}
	_ = h.Close()
	if err := h.Run(func(uint64) {}); err != nil {
		t.Errorf("Run: %v", err)
	}
	_, server := tcpPair(t)
	if err := WithFD(server, func(fd int) error { return h.Add(fd, 1) }); err == nil {
		t.Error("Add to a closed watcher is no error")
	}
}
