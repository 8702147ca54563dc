package worker

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestConnStateTable(t *testing.T) {
	walks := map[string]struct {
		events []connEvent
		want   connState
		ok     bool
	}{
		"keep-alive":                    {[]connEvent{evRequest, evDone, evRequest, evDone}, connIdle, true},
		"leaves while idle":             {[]connEvent{evRequest, evDone, evLeave, evClose}, connClosed, true},
		"a request beats leaving":       {[]connEvent{evLeave, evRequest}, connActive, true},
		"answered stays answered":       {[]connEvent{evRequest, evAnswer, evDone, evRequest}, connAnswered, true},
		"an active one cannot be asked": {[]connEvent{evRequest, evLeave}, connActive, false},
		"done without a request":        {[]connEvent{evDone}, connFresh, false},
		"nothing after the end":         {[]connEvent{evClose, evRequest}, connClosed, false},
		"closed before the hijack hook": {[]connEvent{evRequest, evClose, evHijack}, connClosed, true},
		"HTTP/2 after TLS":              {[]connEvent{evShare, evClose}, connClosed, true},
		"HTTP/2 after its preface":      {[]connEvent{evRequest, evShare}, connShared, true},
		"HTTP/2 beats leaving":          {[]connEvent{evLeave, evShare}, connShared, true},
		"HTTP/2 has no requests":        {[]connEvent{evShare, evRequest}, connShared, false},
		"answer without a request":      {[]connEvent{evRequest, evDone, evAnswer}, connIdle, false},
	}
	for name, w := range walks {
		t.Run(name, func(t *testing.T) {
			s, ok := connFresh, true
			for _, e := range w.events {
				s, ok = s.next(e)
			}
			if s != w.want || ok != w.ok {
				t.Errorf("%v, %v; want %v, %v", s, ok, w.want, w.ok)
			}
		})
	}
}

// Closed is final and reachable from everywhere.
func TestConnStateClose(t *testing.T) {
	for s := connFresh; s <= connClosed; s++ {
		if to, ok := s.next(evClose); to != connClosed || !ok {
			t.Errorf("%v: close leads to %v, %v", s, to, ok)
		}
		for e := range connEvents {
			if to, _ := connClosed.next(e); to != connClosed {
				t.Errorf("event %d leads out of closed to %v", e, to)
			}
		}
	}
}

// asked is a socket whose reads say what the test wants.
type asked struct {
	*replay
	reads []error
}

func (a *asked) Read([]byte) (int, error) {
	err := a.reads[0]
	a.reads = a.reads[1:]
	return 0, err
}

func TestExpiredReadDeadline(t *testing.T) {
	for _, tt := range []struct {
		state connState
		want  error
	}{
		{connLeaving, io.EOF},
		{connAnswered, io.EOF},
		{connActive, os.ErrDeadlineExceeded},
		{connHijacked, os.ErrDeadlineExceeded},
	} {
		c := &conn{socket: &asked{&replay{}, []error{os.ErrDeadlineExceeded}}, state: tt.state}
		if _, err := c.Read(make([]byte, 8)); !errors.Is(err, tt.want) {
			t.Errorf("%v: %v, want %v", tt.state, err, tt.want)
		}
	}
}

func TestInterim(t *testing.T) {
	for text, want := range map[string]bool{
		"HTTP/1.1 100 Continue\r\n\r\n": true, "HTTP/1.1 103 Early Hints\r\n": true,
		"HTTP/1.1 200 OK\r\n": false, "HTTP/1.1 ": false, "": false, "5\r\nhello\r\n": false,
	} {
		if got := interim([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestAnsweredLooksLikeABrokenPipe(t *testing.T) {
	c := &conn{socket: &replay{}, state: connAnswered}
	n, err := c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	if n != 0 || !errors.Is(err, syscall.EPIPE) {
		t.Errorf("wrote %d, %v", n, err)
	}
	for _, set := range []func(time.Time) error{c.SetReadDeadline, c.SetWriteDeadline, c.SetDeadline} {
		if err := set(time.Time{}); err != nil {
			t.Error(err)
		}
	}
	var _ net.Conn = c
}
