package worker

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/internal/transfer"
)

const (
	takeShare    = 8                      // one sender is promised this part of worker_connections at most
	takeTick     = 100 * time.Millisecond // how soon a taker notices that the worker drains
	starved      = 10 * time.Millisecond  // how soon it looks for room again
	fdSlack      = 64                     // descriptors that are left to the application
	fdCountEvery = 250 * time.Millisecond // how often the open ones are counted
)

// taker takes connections over from one worker that gives them away. Its
// credits are permits of the gate, so what arrives has a place.
type taker struct {
	t       *tracker
	gate    *gate
	arrived *arrivals
	from    *transfer.Receiver
	window  int // most credits at a time
	spare   int // permits for which there are descriptors
	counted time.Time
	held    int // permits that the sender was promised
	taken   int
}

// newTaker takes ownership of fd, the receiving end.
func newTaker(t *tracker, g *gate, a *arrivals, fd int) (*taker, error) {
	from, err := transfer.NewReceiver(fd)
	if err != nil {
		return nil, err
	}
	return &taker{
		t: t, gate: g, arrived: a, from: from, window: min(max(cap(g.permits)/takeShare, 1), maxWave),
	}, nil
}

// affordable says whether there is a descriptor for one more permit. Counting is
// dear, so it is done only when the last result is used up, and seldom.
func (k *taker) affordable() bool {
	if len(k.gate.permits) < k.spare {
		return true
	}
	if time.Since(k.counted) < fdCountEvery {
		return false
	}
	k.counted, k.spare = time.Now(), cap(k.gate.permits)
	limit, err := sys.FileLimit()
	open, openErr := sys.OpenFiles()
	if err == nil && openErr == nil {
		k.spare = limit - fdSlack - (open - k.t.conns.count())
	}
	return len(k.gate.permits) < k.spare
}

// run takes until the sender ends or stop is closed.
func (k *taker) run(stop <-chan struct{}) {
	err := k.take(stop)
	k.from.Close()
	for range k.held {
		<-k.gate.permits
	}
	level := k.t.log.Debug
	// The sender may be done before it has read our last word.
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EPIPE) {
		level = k.t.log.Warn
	}
	level("taking connections over ended", zap.Int("taken", k.taken), zap.Error(err))
}

func (k *taker) take(stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		if n := k.reserve(); n > 0 {
			if err := k.from.Grant(n); err != nil {
				return err
			}
		}
		wait := takeTick
		if k.held < k.window {
			wait = starved
		}
		b, err := k.from.Receive(time.Now().Add(wait))
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err != nil:
			return err
		case len(b.FDs) > k.held:
			b.Close()
			return errors.New("the sender did not keep to its credits")
		}
		// What did not arrive stays with the sender, its credits are used up.
		if unused := min(len(b.Records), k.held) - len(b.FDs); unused > 0 {
			k.release(unused)
			k.spare, k.counted = 0, time.Now() // none left, whatever was counted
		}
		if err := k.from.Take(b, 0); err != nil {
			return err
		}
		k.inject(b)
	}
}

// reserve fills the window with permits, as far as there are some.
func (k *taker) reserve() (n int) {
	for k.held < k.window && k.affordable() {
		select {
		case k.gate.permits <- struct{}{}:
			k.held++
			n++
			continue
		default:
		}
		break
	}
	return n
}

func (k *taker) release(n int) {
	for range n {
		k.held--
		<-k.gate.permits
	}
}

// inject serves what is ours now.
func (k *taker) inject(b transfer.Batch) {
	for i, fd := range b.FDs {
		k.held-- // the permit is the connection's
		raw, err := sys.TakeConn(fd)
		if err != nil {
			k.t.log.Warn("a connection was lost on its way from another worker", zap.Error(err))
			<-k.gate.permits
			continue
		}
		s, ok := raw.(socket)
		if ok {
			var c *conn
			if c, ok = k.t.addMoved(s, b.Records[i]); ok {
				k.taken++
				k.arrived.put(c)
				continue
			}
		}
		k.t.log.Error("no entry for a connection: this is a bug, please report it")
		_ = raw.Close()
		<-k.gate.permits
	}
}
