package transfer

import (
	"errors"
	"fmt"
	"time"

	"github.com/webchasor/webchasor/internal/sys"
)

// Receiver takes connections over from one sender. It has one user.
type Receiver struct {
	ch  *sys.Channel
	buf []byte
}

// NewReceiver takes ownership of fd, the receiving end.
func NewReceiver(fd int) (*Receiver, error) {
	ch, err := sys.NewChannel(fd)
	if err != nil {
		return nil, errors.Join(err, sys.CloseFD(fd))
	}
	return &Receiver{ch: ch, buf: make([]byte, headSize+2+MaxBatch*recordSize)}, nil
}

// ErrBusy: the sender does not read just now.
var ErrBusy = errors.New("the sender of connections does not read")

// Grant allows n connections more. The error is [ErrBusy] when it may be tried
// again later; nothing was allowed then.
func (r *Receiver) Grant(n int) error {
	return r.say(message{kind: kindGrant, credits: n})
}

// Batch is what one message brought. The descriptors are the caller's, but
// the connections behind them only once Take has succeeded: until then they
// must be left alone. There may be fewer descriptors than records: the first ones came.
type Batch struct {
	FDs     []int
	Records []Record
}

// Close closes the copies of connections that are not ours.
func (b Batch) Close() {
	for _, fd := range b.FDs {
		_ = sys.CloseFD(fd)
	}
}

// Receive waits for a batch until the deadline; the zero time is none. The error is
// os.ErrDeadlineExceeded then, and io.EOF when the sender has ended.
func (r *Receiver) Receive(deadline time.Time) (Batch, error) {
	if err := r.ch.SetDeadline(deadline); err != nil {
		return Batch{}, err
	}
	packet, fds, _, err := r.ch.RecvFDs(r.buf)
	if err != nil {
		return Batch{}, err
	}
	b := Batch{FDs: fds}
	m, err := decode(packet)
	if err == nil && (m.kind != kindBatch || len(fds) > len(m.records)) {
		err = fmt.Errorf("cannot take %d connections over: the message is %q for %d", len(fds), m.kind, len(m.records))
	}
	if err != nil {
		b.Close()
		return Batch{}, err
	}
	b.Records = m.records
	return b, nil
}

// Take says that the first n connections of the last batch are ours from now on,
// and allows more. A receiver that has no room for all closes the other
// descriptors before. On an error all are the sender's, and what the caller has are
// copies, which it closes.
func (r *Receiver) Take(n, more int) error {
	return r.say(message{kind: kindTaken, taken: n, credits: more})
}

// Close gives unused credits back: the sender finds the receiver gone.
func (r *Receiver) Close() { _ = r.ch.Close() }

// say never waits: the queue has room for all that a sender's batches can cause.
func (r *Receiver) say(m message) error {
	if err := r.ch.SetDeadline(time.Time{}); err != nil { // Receive's may be over
		return err
	}
	if err := r.ch.TrySend(m.encode()); err != nil {
		if errors.Is(err, sys.ErrChannelFull) {
			return ErrBusy
		}
		return err
	}
	return nil
}
