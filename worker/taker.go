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
	takersShare  = 4                      // all senders together this part
	takeIdle     = 250 * time.Millisecond // without a batch, nothing more is promised
	takeTick     = 100 * time.Millisecond // how soon a taker notices that the worker drains
	starved      = 10 * time.Millisecond  // how soon it looks for room again
	fdSlack      = 64                     // descriptors that are left to the application
	fdCountEvery = 250 * time.Millisecond // how often the open ones are counted
)

// taker takes connections over from one worker that gives them away. While
// they come, credits are backed by permits of the gate, so what arrives has a
// place. A sender may live for minutes, until its last stream ends: while nothing
// comes, its taker keeps no permit. The sender still has its credits, and what
// it sends then is taken if there is room, or declined and stays where it was.
type taker struct {
	t       *tracker
	gate    *gate
	arrived *arrivals
	from    *transfer.Receiver
	window  int       // most permits that are promised at a time
	busy    time.Time // when the last batch came
	spare   int       // permits for which there are descriptors
	counted time.Time
	held    int // permits that the sender was promised
	given   int // credits that it has
	taken   int
}

// newTaker takes ownership of fd, the receiving end.
func newTaker(t *tracker, g *gate, a *arrivals, fd int) (*taker, error) {
	from, err := transfer.NewReceiver(fd)
	if err != nil {
		return nil, err
	}
	return &taker{
		t: t, gate: g, arrived: a, from: from, busy: time.Now(),
		window: min(max(cap(g.permits)/takeShare, 1), maxWave),
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
	k.release(k.held)
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
		wait, err := k.promise()
		if err != nil {
			return err
		}
		b, err := k.from.Receive(time.Now().Add(wait))
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err != nil:
			return err
		case len(b.Records) > k.given:
			b.Close()
			return errors.New("the sender did not keep to its credits")
		}
		k.busy = time.Now()
		k.given -= len(b.Records)
		// What did not arrive stays with the sender.
		k.lacked(min(len(b.Records), k.held) - len(b.FDs))
		if err := k.accept(k.admit(b)); err != nil {
			return err
		}
	}
}

// promise brings permits and credits in line with what the sender does, and says
// how long to wait for its next batch. One credit needs no permit, so that the
// sender knows that there is room.
func (k *taker) promise() (wait time.Duration, err error) {
	active := time.Since(k.busy) < takeIdle
	for active && k.held < k.window && k.affordable() && k.gate.promise(cap(k.gate.permits)/takersShare) {
		k.held++
	}
	if !active {
		k.release(k.held)
	}
	credits := k.held
	if credits == 0 && len(k.gate.permits) < cap(k.gate.permits) && k.affordable() {
		credits = 1
	}
	if n := credits - k.given; n > 0 {
		switch err := k.from.Grant(n); {
		case err == nil:
			k.given += n
		case !errors.Is(err, transfer.ErrBusy): // else it reads later
			return 0, err
		}
	}
	if active && k.held < k.window {
		return starved, nil
	}
	return takeTick, nil
}

// admit finds a permit for each connection that came, and declines those for which
// there is none.
func (k *taker) admit(b transfer.Batch) transfer.Batch {
	for k.held < len(b.FDs) && k.affordable() && k.gate.promise(cap(k.gate.permits)) {
		k.held++
	}
	n := min(k.held, len(b.FDs))
	transfer.Batch{FDs: b.FDs[n:]}.Close()
	b.FDs = b.FDs[:n]
	return b
}

// lacked notes that there were no descriptors for n connections that had a permit.
func (k *taker) lacked(n int) {
	if n > 0 {
		k.release(n)
		k.spare, k.counted = 0, time.Now() // none left, whatever was counted
	}
}

func (k *taker) release(n int) {
	k.held -= n
	for range n {
		k.gate.promised.Add(-1)
		<-k.gate.permits
	}
}

// accept takes a batch over. The connections are in our table before the sender
// hears that they are ours: a worker that is killed after that would leave clients
// behind of whom nobody can tell. Killed before it, they are still the sender's,
// and told as lost once too often.
func (k *taker) accept(b transfer.Batch) error {
	list := k.expect(b)
	if err := k.from.Take(len(list), 0); err != nil {
		for _, c := range list {
			k.t.decline(c)
		}
		return err
	}
	for _, c := range list {
		k.held-- // the permit is the connection's
		k.gate.promised.Add(-1)
		k.taken++
		k.t.totals.slot.Taken()
		k.t.join(c)
		k.arrived.put(c)
	}
	k.lacked(len(b.FDs) - len(list))
	return nil
}

// expect enters the connections of a batch in the table. After one that fails, it
// and the others stay with the sender.
func (k *taker) expect(b transfer.Batch) []*conn {
	list := make([]*conn, 0, len(b.FDs))
	for i, fd := range b.FDs {
		s, err := sys.TakeConn(fd)
		if err != nil {
			k.t.log.Warn("a connection stays with the worker that gives it away", zap.Error(err))
			transfer.Batch{FDs: b.FDs[i+1:]}.Close()
			break
		}
		if c, ok := k.t.expect(s, b.Records[i]); ok {
			list = append(list, c)
			continue
		}
		k.t.log.Error("no entry for a connection: this is a bug, please report it")
		_ = s.Close()
		transfer.Batch{FDs: b.FDs[i+1:]}.Close()
		break
	}
	return list
}
