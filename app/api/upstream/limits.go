package upstream

import (
	"context"
	"sync"
	"time"
)

// stage is how far one attempt has come. It only goes up.
type stage int

const (
	connecting stage = iota // the transport has limits of its own for this
	sending                 // connected, the request is on its way
	waiting                 // sent
	answered                // the headers are there, no byte of the body is
	flowing                 // bytes of the body come
	over
)

// limits ends an attempt that waits too long. There is one timer; what it
// stands for depends on the stage. Any goroutine may use it: the transport
// reports from its own, sometimes late.
type limits struct {
	set    Timeouts
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	stage    stage
	timer    *time.Timer
	deadline time.Time // zero while nothing is waited for
}

// enter moves on to a stage; a late report of an earlier one changes nothing.
func (l *limits) enter(s stage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s <= l.stage {
		return
	}
	l.stage = s
	switch s {
	case sending, waiting:
		l.arm(l.set.FirstByte)
	case answered: // still the first byte's limit
	case connecting, flowing, over:
		l.arm(0)
	}
}

// await says that somebody waits for more bytes, rest that nobody does: a client that
// reads slowly must not look like an upstream that says nothing.
func (l *limits) await() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stage == flowing {
		l.arm(l.set.BetweenBytes)
	}
}

func (l *limits) rest() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stage == flowing {
		l.arm(0)
	}
}

// arm sets the timer; 0 stops it.
func (l *limits) arm(d time.Duration) {
	if d <= 0 {
		l.deadline = time.Time{}
		if l.timer != nil {
			l.timer.Stop()
		}
		return
	}
	l.deadline = time.Now().Add(d)
	if l.timer == nil {
		l.timer = time.AfterFunc(d, l.expire)
	} else {
		l.timer.Reset(d)
	}
}

// expire may come late, after the timer was set anew: the deadline decides.
func (l *limits) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deadline.IsZero() || time.Now().Before(l.deadline) {
		return
	}
	if l.stage == flowing {
		l.cancel(&limitReached{CodeBetweenSlow, l.set.BetweenBytes})
	} else {
		l.cancel(&limitReached{CodeFirstByteSlow, l.set.FirstByte})
	}
}

// connected says whether there ever was a connection.
func (l *limits) connected() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stage > connecting
}
