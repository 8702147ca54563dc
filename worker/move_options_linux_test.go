package worker

import (
	"errors"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
)

// The address, the options and the idle time of a connection go with it.
func TestWhatAConnectionKeeps(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		a, b := serveApp(t, app, anything), serveApp(t, app, anything)
		c := a.dial()
		c.get("/ok")
		c.want(200)
		eventually(t, "idle", func() bool { return a.board.Snapshot().Counters.Requests() == 1 })
		old := a.t.conns.snapshot(nil)[0]
		options, since := [...]int{0, 1, 77, 7, 3}, old.recordOf().Since
		err := sys.WithFD(old.socket, func(fd int) (err error) {
			for i, o := range kept {
				err = errors.Join(err, syscall.SetsockoptInt(fd, o[0], o[1], options[i]))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		a.drainTo(handoff.DrainReload, b)
		a.exited()
		eventually(t, "the arrival", func() bool { return b.t.conns.count() == 1 })
		moved := b.t.conns.snapshot(nil)[0]
		if got := moved.RemoteAddr().String(); got != c.LocalAddr().String() {
			t.Errorf("the client is %s, was %s", got, c.LocalAddr())
		}
		if got := optionsOf(t, moved.socket); got != options {
			t.Errorf("options %v, were %v", got, options)
		}
		if r := moved.recordOf(); r.Since != since || !r.Spoke {
			t.Errorf("%+v, was idle since %v", r, since)
		}
	})
}

// kept are the socket options that Go likes to change.
var kept = [...][2]int{
	{syscall.IPPROTO_TCP, syscall.TCP_NODELAY},
	{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE},
	{syscall.IPPROTO_TCP, tcpKeepIdle},
	{syscall.IPPROTO_TCP, tcpKeepInterval},
	{syscall.IPPROTO_TCP, tcpKeepCount},
}

func optionsOf(tb testing.TB, s syscall.Conn) (got [len(kept)]int) {
	tb.Helper()
	err := sys.WithFD(s, func(fd int) (err error) {
		for i, o := range kept {
			if got[i], err = syscall.GetsockoptInt(fd, o[0], o[1]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// Of tcp(7); package syscall has them on some systems only.
const tcpKeepIdle, tcpKeepInterval, tcpKeepCount = 4, 5, 6
