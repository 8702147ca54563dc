package scoreboard

import "time"

// Totals are the worker's counters since its start. Any goroutine may add.
type Totals struct{ head *header }

// Totals of this board.
func (b *Board) Totals() Totals { return Totals{b.head} }

// Request counts one finished request: its status (0 if the client never got
// one), the bytes of its response and how long it took.
func (t Totals) Request(status int, bytesOut uint64, took time.Duration) {
	class := status / 100
	if class < 1 || class > 5 {
		class = 0
	}
	t.head.classes[class].Add(1)
	t.head.bytesOut.Add(bytesOut)
	took = max(took, 0)
	t.head.busy.Add(uint64(took))
	t.head.latency[bucketOf(took)].Add(1)
}

// Requests is the number of finished requests.
func (t Totals) Requests() uint64 {
	var n uint64
	for i := range t.head.classes {
		n += t.head.classes[i].Load()
	}
	return n
}

// Timeout counts a request that the watchdog ended.
func (t Totals) Timeout() { t.head.timeouts.Add(1) }

// Panic counts a panic in a handler or a stream.
func (t Totals) Panic() { t.head.panics.Add(1) }

// Lost counts a request that the worker gave up without an answer.
func (t Totals) Lost() { t.head.lost.Add(1) }
