package worker

import (
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
)

// pair is a wrapped server side and a client side, without a server.
func pair(t *testing.T, tc *testCore) (*conn, net.Conn) {
	t.Helper()
	l := listen(t)
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, ok := tc.t.add(near.(socket))
	if !ok {
		t.Fatal("no entry")
	}
	tc.gate.permits <- struct{}{}
	t.Cleanup(func() { _ = far.Close(); _ = c.Close() })
	return c, far
}

// A request that is in the kernel when its connection is asked to leave is served.
func TestRequestBeatsLeaving(t *testing.T) {
	tc := newTestCore(t, newProbe().fast(), func(*config.Settings) {})
	c, far := pair(t, tc)
	if _, err := io.WriteString(far, "GET"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the bytes", c.readable)
	if !c.leave() {
		t.Fatal("not asked")
	}
	buf := make([]byte, 8)
	if n, err := c.Read(buf); n != 3 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if c.state != connActive {
		t.Errorf("state %v", c.state)
	}
	// The rest may take its time again.
	time.AfterFunc(30*time.Millisecond, func() { _, _ = io.WriteString(far, " /") })
	if n, err := c.Read(buf); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// racing is a socket whose read succeeds just when the connection is asked to leave.
type racing struct {
	*replay
	during   func()
	deadline time.Time
}

func (r *racing) Read(p []byte) (int, error) {
	r.during()
	return r.replay.Read(p)
}

func (r *racing) SetReadDeadline(t time.Time) error {
	r.deadline = t
	return nil
}

func TestReadRacesWithLeaving(t *testing.T) {
	tc := newTestCore(t, newProbe().fast(), func(*config.Settings) {})
	r := &racing{replay: &replay{[]byte("GET"), 1}}
	c, _ := tc.t.add(r)
	r.during = func() { c.leave() }
	if n, err := c.Read(make([]byte, 8)); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if c.state != connActive || !r.deadline.IsZero() {
		t.Errorf("state %v, deadline %v", c.state, r.deadline)
	}
}

// Without a request the connection goes, and later deadlines of the server do not keep it.
func TestLeaving(t *testing.T) {
	tc := newTestCore(t, newProbe().fast(), func(*config.Settings) {})
	c, _ := pair(t, tc)
	c.leave()
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 8)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("%d, %v", n, err)
	}
	if c.leave() {
		t.Error("asked twice")
	}
}

// The watchdog decides on what it saw a moment ago; by now it may be another exchange.
func TestVerdictsAreForOneExchange(t *testing.T) {
	tc := newTestCore(t, newProbe().fast(), func(*config.Settings) {})
	c, _ := tc.t.add(&replay{})
	tc.gate.permits <- struct{}{}
	c.arrived()
	seen := c.req.id
	c.done()
	if _, ok := c.giveNotice(seen, 0, ErrTimeout); ok {
		t.Error("notice after the end")
	}
	c.arrived()
	if _, ok := c.giveNotice(seen, 0, ErrTimeout); ok {
		t.Error("notice to the next exchange")
	}
	if c.cut(seen, 0, true) {
		t.Error("cut the next exchange")
	}
	if _, ok := c.giveNotice(c.req.id, 0, ErrTimeout); !ok {
		t.Error("no notice to the exchange itself")
	}
	if _, err := c.Write([]byte("HTTP/1.1 200 OK\r\n")); !errors.Is(err, errAnswered) {
		t.Errorf("write: %v", err)
	}
	if _, err := c.Read(nil); !errors.Is(err, io.EOF) {
		t.Errorf("read: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second close: %v", err)
	}
}

// One client that waits is worth one idle connection, however often the watchdog
// looks before that one has gone.
func TestGoing(t *testing.T) {
	var list []*conn
	for s := connFresh; s <= connClosed; s++ {
		list = append(list, &conn{state: s, shared: new(shared)})
	}
	if n := going(list); n != 2 {
		t.Errorf("%d of all states are going", n)
	}
}

// Who was served goes before who never spoke, and who came just now stays.
func TestExpendable(t *testing.T) {
	const now = 10 * time.Second
	conns := []*conn{
		{state: connFresh, since: now - silentEnough/2},
		{state: connFresh, since: now - silentEnough - time.Second},
		{state: connFresh, since: now - silentEnough - 2*time.Second},
		{state: connActive},
		{state: connIdle, since: now - time.Second},
		{state: connIdle, since: now - 2*time.Second},
	}
	var got []int
	for _, c := range expendable(conns, len(conns), now) {
		got = append(got, slices.Index(conns, c))
	}
	if want := []int{5, 4, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("leave in the order %v, want %v", got, want)
	}
	if n := len(expendable(conns, 3, now)); n != 3 {
		t.Errorf("%d leave for 3 that wait", n)
	}
}
