package sys

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

func TestReadyReader(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	conn, _ := c.(*net.TCPConn)

	var buf []byte
	tried := make(chan struct{}, 10)
	r, err := NewReadyReader(conn,
		func() []byte { buf = make([]byte, 8); return buf },
		func() {
			buf = nil
			tried <- struct{}{}
		})
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		n   int
		err error
	}
	read := func() chan result {
		done := make(chan result, 1)
		go func() {
			n, err := r.Read()
			done <- result{n, err}
		}()
		return done
	}

	done := read()
	<-tried // it waits, and has given the buffer back
	if _, err := client.Write([]byte("some bytes")); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got.err != nil || string(buf[:got.n]) != "some byt" {
		t.Errorf("read %q, %v", buf[:got.n], got.err)
	}
	if got := <-read(); got.err != nil || string(buf[:got.n]) != "es" {
		t.Errorf("then read %q, %v", buf[:got.n], got.err)
	}

	done = read()
	<-tried
	_ = conn.SetReadDeadline(time.Unix(1, 0))
	if got := <-done; got.n != 0 || !errors.Is(got.err, os.ErrDeadlineExceeded) || buf != nil {
		t.Errorf("an expired deadline is %d, %v, and the buffer was given back: %v", got.n, got.err, buf == nil)
	}
	_ = conn.SetReadDeadline(time.Time{})

	_ = client.Close()
	if got := <-read(); got.n != 0 || got.err != io.EOF {
		t.Errorf("the end of the file is %d, %v", got.n, got.err)
	}
	_ = conn.Close()
	if got := <-read(); got.n != 0 || !errors.Is(got.err, net.ErrClosed) {
		t.Errorf("a closed connection is %d, %v", got.n, got.err)
	}
}
