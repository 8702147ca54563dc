package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestHostileSizes: what is too large is refused early, and what is only
// announced takes no memory.
func TestHostileSizes(t *testing.T) {
	t.Parallel()
	b := besiege(t, appFastHTTP, "LIMIT_REQUEST_MEMORY=64MiB", "BODY_TIMEOUT=10")
	const post = "POST /body HTTP/1.1\r\nHost: x\r\n"
	megabyte := strings.Repeat("x", 1<<20)
	for text, want := range map[string]int{
		"GET /" + megabyte: 414,
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + megabyte:          431,
		post + "Content-Length: 104857600\r\n\r\n":             413,
		post + "Transfer-Encoding: chunked\r\n\r\n6400000\r\n": 413,
	} {
		for range 10 {
			c := b.dial()
			go func() { _, _ = io.WriteString(c, text) }()
			if got := verdict(c); got != want && got != 0 {
				t.Errorf("%.40q: status %d, want %d", text, got, want)
			}
		}
	}
	// A body without an end, and a hundred that are announced.
	endless := b.dial()
	go func() {
		_, _ = io.WriteString(endless, post+"Transfer-Encoding: chunked\r\n\r\n")
		for {
			if _, err := io.WriteString(endless, "100000\r\n"+megabyte+"\r\n"); err != nil {
				return
			}
		}
	}()
	if got := verdict(endless); got != 413 && got != 0 {
		t.Errorf("endless body: status %d", got)
	}
	refused := 0
	var held []net.Conn
	for range 100 {
		c := b.dial()
		_, _ = io.WriteString(c, post+"Content-Length: 31457280\r\n\r\n")
		held = append(held, c)
	}
	for _, c := range held[2:] { // two have a place
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		if verdict(c) == 503 {
			refused++
		}
	}
	if refused < 90 {
		t.Errorf("%d of 98 announced bodies were refused", refused)
	}
	b.bounded(5 * 64) // 2 to 2.5 times the limit were seen; the 100 announced bodies are 3,000 MiB
	for _, c := range held {
		_ = c.Close()
	}
	b.unharmed()
}

// TestHostileBodies: bodies of 100 MB that are allowed and really sent, more of
// them at a time than there is memory for, whole and in chunks, and then chunks without an end.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	const size = 100_000_000
	b := besiege(t, appFastHTTP, "LIMIT_REQUEST_BODY=100000000", "LIMIT_REQUEST_MEMORY=200000000", "BODY_TIMEOUT=60", "HEADER_TIMEOUT=60")
	const post = "POST /body HTTP/1.1\r\nHost: x\r\n"
	piece := strings.Repeat("x", size/100)
	whole := func() int {
		return b.upload(fmt.Sprintf(post+"Content-Length: %d\r\n\r\n", size), piece, 100, "")
	}
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece)
	const chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
	for range 2 {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if got := whole(); got != 200 && got != 503 && got != 0 {
					t.Errorf("one of eight bodies: status %d", got)
				}
			})
		}
		all.Wait()
		if got := whole(); got != 200 { // the memory was given back
			t.Errorf("a body alone: status %d", got)
		}
		if got := b.upload(chunked, chunk, 100, "0\r\n\r\n"); got != 200 {
			t.Errorf("a body in chunks: status %d", got)
		}
		if got := b.upload(chunked, chunk, 1000, ""); got != 413 && got != 0 {
			t.Errorf("chunks without an end: status %d", got)
		}
	}
	// 2.7 or 4 times the limit, 190 MiB, were seen: a body in chunks outgrows its
	// buffer again and again, and what is dropped stays until the collector comes.
	b.bounded(6 * 190)
	b.unharmed()
}

// upload sends a body in n pieces, until there is an answer, and returns its status.
func (b *besieged) upload(head, piece string, n int, end string) int {
	b.t.Helper()
	c := b.dial()
	go func() {
		_, err := io.WriteString(c, head)
		for ; err == nil && n > 0; n-- {
			_, err = io.WriteString(c, piece)
		}
		if err == nil {
			_, _ = io.WriteString(c, end)
		}
	}()
	return verdict(c)
}
