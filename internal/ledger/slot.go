package ledger

import "time"

// Slot is where the workers of one slot count. Any goroutine may add; all
// methods of a nil Slot do nothing, for a worker that has no master.
type Slot struct {
	page   *page
	series *[perSlot]series
}

// Request counts a finished request: its route's number, its status (0 if the
// client never got one), the bytes of its response and how long it took.
func (s *Slot) Request(route uint8, status int, bytesOut uint64, took time.Duration) {
	if s == nil {
		return
	}
	class := status / 100
	if class < 1 || class >= Classes {
		class = 0
	}
	at := int(min(route, MaxRoutes-1))*Classes + class
	bit := uint64(1) << (at % 64)
	if used := &s.page.used[at/64]; used.Load()&bit == 0 {
		used.Or(bit)
	}
	took = max(took, 0)
	r := &s.series[at]
	// The reader takes the native buckets first, so it never sees more there than in the classic ones.
	if i := classicOf(took); i < Classic {
		r.classic[i].Add(1)
	}
	r.sum.Add(uint64(took))
	if i := nativeOf(took); i >= 0 {
		r.native[i].Add(1)
	} else {
		r.zero.Add(1)
	}
	s.page.bytesOut.Add(bytesOut)
}

// Timeout counts a request that the watchdog ended.
func (s *Slot) Timeout() {
	if s != nil {
		s.page.timeouts.Add(1)
	}
}

// Panic counts a panic in a handler or a stream.
func (s *Slot) Panic() {
	if s != nil {
		s.page.panics.Add(1)
	}
}

// Lost counts a request that a worker gave up without an answer.
func (s *Slot) Lost() {
	if s != nil {
		s.page.lost.Add(1)
	}
}

// Accepted counts a new connection.
func (s *Slot) Accepted() {
	if s != nil {
		s.page.accepted.Add(1)
	}
}

// Taken counts a connection that another worker has given away.
func (s *Slot) Taken() {
	if s != nil {
		s.page.taken.Add(1)
	}
}

// Died counts the end of a worker, the requests lost with it, and the cause, whose
// name gets a number if it has none. For the master, see [Ledger.AddRoutes].
func (l *Ledger) Died(s *Slot, cause string, lost int) {
	s.page.deaths[register(&l.head.causes.count, l.head.causes.list[:], cause)].Add(1)
	s.page.died.Add(uint64(max(lost, 0)))
}

// Processor counts processor time that the slot's workers used, for the master.
func (s *Slot) Processor(d time.Duration) { s.page.processor.Add(uint64(max(d, 0))) }
