package transfer

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/webchasor/webchasor/internal/sys"
)

// ErrGone ends a transfer: the receiver died, hangs or does not speak our
// language. What it has not said to have taken is still the sender's.
var ErrGone = errors.New("the receiver of connections is gone")

// ErrCrowded: too many descriptors are on their way between processes of this
// user. It is not the receiver's doing and passes. Nothing was offered.
var ErrCrowded = errors.New("too many descriptors are on their way between processes of this user")

// How long a sender waits before it calls the receiver gone, and between two
// tries while the kernel has no room.
const (
	ackWait   = time.Second
	roomWait  = 2 * time.Second        // in the queue of the receiver
	crowdWait = 100 * time.Millisecond // on the way: clients wait meanwhile
	roomPause = 5 * time.Millisecond
)

// Sender hands connections to one receiver. Offer and Taken have one caller;
// Credits and Alive may be asked by others meanwhile.
type Sender struct {
	ch      *sys.Channel
	changed func()

	mu      sync.Mutex
	credits int
	dead    bool

	wait time.Duration // for taken
	open int           // connections of the batch under way
	acks chan int      // how many of it were taken; a value for each batch at most
	done chan struct{}
}

// NewSender takes ownership of fd, the sending end. changed is called when
// there are more credits or the receiver is gone; it must not block.
func NewSender(fd int, changed func()) (*Sender, error) {
	ch, err := sys.NewChannel(fd)
	if err != nil {
		return nil, errors.Join(err, sys.CloseFD(fd))
	}
	s := &Sender{ch: ch, changed: changed, wait: ackWait, acks: make(chan int, 1), done: make(chan struct{})}
	go s.listen()
	return s, nil
}

// Credits is how many connections the receiver takes now; 0 when it is gone.
func (s *Sender) Credits() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return 0
	}
	return s.credits
}

// Alive is false once the receiver is gone.
func (s *Sender) Alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.dead
}

// Offer sends a batch: one record for each descriptor, which stay the caller's,
// at most [MaxBatch] and [Sender.Credits]. It waits, bounded, while the kernel
// has no room; after [ErrCrowded] it can be tried again later, after another error the
// receiver is gone. After nil the caller must ask Taken.
func (s *Sender) Offer(fds []int, records []Record) error {
	if len(fds) == 0 || len(fds) > MaxBatch || len(fds) != len(records) || len(fds) > s.Credits() {
		return fmt.Errorf("cannot offer %d connections with %d records and %d credits", len(fds), len(records), s.Credits())
	}
	packet := message{kind: kindBatch, records: records}.encode()
	began := time.Now()
	for {
		err := s.ch.TrySendFDs(packet, fds...)
		if err == nil {
			s.mu.Lock()
			s.credits -= len(fds)
			s.mu.Unlock()
			s.open = len(fds)
			return nil
		}
		waited := time.Since(began)
		switch crowded := sys.TooManyInFlight(err); {
		case crowded && waited > crowdWait:
			return fmt.Errorf("%w: %w", ErrCrowded, err)
		case !crowded && (!errors.Is(err, sys.ErrChannelFull) || waited > roomWait):
			s.end()
			return fmt.Errorf("%w: %w", ErrGone, err)
		}
		pause := time.NewTimer(roomPause)
		select {
		case <-pause.C:
		case <-s.done:
			pause.Stop()
		}
	}
}

// Taken waits, bounded, until the receiver has said how many of the last batch,
// from its beginning, are its own; the others are still the caller's. The error
// is [ErrGone]: it ended without a word about this batch, and none of it is its
// own. A receiver that answered and then ended is no error here, whichever is
// seen first; [Sender.Alive] and the next Offer tell.
func (s *Sender) Taken() (n int, err error) {
	if s.open == 0 {
		return 0, nil
	}
	open := s.open
	s.open = 0
	timer := time.NewTimer(s.wait)
	defer timer.Stop()
	select {
	case n := <-s.acks:
		return min(n, open), nil
	case <-s.done:
	case <-timer.C:
		// From here on it cannot say taken any more; it may have said it just before.
		if err := s.ch.CloseRead(); err != nil {
			_ = s.ch.Close()
		}
		<-s.done
	}
	s.end()
	select {
	case n := <-s.acks:
		return min(n, open), nil
	default:
		return 0, ErrGone
	}
}

// Close ends the transfer. A batch under way is settled by Taken before.
func (s *Sender) Close() {
	s.end()
	_ = s.ch.Close()
	<-s.done
}

// listen reads what the receiver says until it is gone.
func (s *Sender) listen() {
	defer close(s.done)
	defer s.end()
	buf := make([]byte, 64)
	for {
		packet, err := s.ch.Recv(buf)
		if err != nil {
			return
		}
		m, err := decode(packet)
		if err != nil || m.kind == kindBatch {
			return
		}
		s.mu.Lock()
		s.credits = min(s.credits+m.credits, maxCredits)
		s.mu.Unlock()
		if m.kind == kindTaken {
			select {
			case s.acks <- m.taken:
			default:
				return // nobody asked
			}
		}
		s.changed()
	}
}

// end marks the receiver as gone.
func (s *Sender) end() {
	s.mu.Lock()
	was := s.dead
	s.dead = true
	s.mu.Unlock()
	if !was {
		s.changed()
	}
}
