package worker

import (
	"sync"
	"time"
)

// limiter thins out a repeating log line.
type limiter struct {
	every time.Duration

	mu     sync.Mutex
	next   time.Duration
	missed uint64
}

// allow says whether to log now, and for how many times the line stands.
func (l *limiter) allow(now time.Duration) (times uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missed++
	if now < l.next {
		return 0, false
	}
	times, l.missed, l.next = l.missed, 0, now+l.every
	return times, true
}
