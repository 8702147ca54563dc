package sys

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestTakeConnKeepsOptions(t *testing.T) {
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
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s := accepted.(*net.TCPConn)
	defer s.Close()
	off := net.KeepAliveConfig{Enable: false}
	if err := errors.Join(s.SetNoDelay(false), s.SetKeepAliveConfig(off)); err != nil {
		t.Fatal(err)
	}
	var fd int
	var want []sockOption
	err = WithFD(s, func(own int) (err error) {
		want = tcpOptions(own)
		fd, err = DupCloexec(own)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := TakeConn(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = WithFD(c.(*net.TCPConn), func(fd int) error {
		for i, got := range tcpOptions(fd) {
			if got != want[i] {
				t.Errorf("option %+v, was %+v", got, want[i])
			}
		}
		return nil
	})
	if want[0].value != 0 || want[1].value != 0 {
		t.Fatalf("the options of the test are Go's own: %+v", want)
	}
	if c.RemoteAddr().String() != client.LocalAddr().String() {
		t.Errorf("the client is %v, want %v", c.RemoteAddr(), client.LocalAddr())
	}
	if _, err := TakeConn(-1); err == nil {
		t.Error("a descriptor of nothing was taken")
	}
}

func TestCloseReadDecides(t *testing.T) {
	a, b := channelPair(t)
	if err := b.Send([]byte("before")); err != nil {
		t.Fatal(err)
	}
	if err := a.CloseRead(); err != nil {
		t.Fatal(err)
	}
	if err := b.Send([]byte("after")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("after the reader refused: %v, want EPIPE", err)
	}
	buf := make([]byte, 100)
	if got, err := a.Recv(buf); err != nil || string(got) != "before" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := a.Recv(buf); err != io.EOF {
		t.Errorf("%v, want io.EOF", err)
	}
	if err := a.Send([]byte("the other way")); err != nil {
		t.Errorf("the other way: %v", err)
	}
}

func TestOpenFilesCounts(t *testing.T) {
	before, err := OpenFiles()
	if err != nil {
		t.Fatal(err)
	}
	const more = 7
	for range more {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	after, err := OpenFiles()
	if limit, limitErr := FileLimit(); err != nil || limitErr != nil || after != before+more || limit < after {
		t.Errorf("%d, then %d of %d, %v, %v", before, after, limit, err, limitErr)
	}
}
