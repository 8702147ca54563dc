package scoreboard

import (
	"iter"
	"time"
)

// Ages yields the entries' indexes and ages of all requests under way at now. It reads no text,
// so it costs little with thousands of them; [Board.Request] reads the few that matter.
func (b *Board) Ages(now time.Duration) iter.Seq2[int, time.Duration] {
	return func(yield func(int, time.Duration) bool) {
		for i := range b.used() {
			if age, _, ok := b.table[i].ages(now); ok && !yield(i, age) {
				return
			}
		}
	}
}

// Extremes are the age of the oldest request under way at now, and the longest time
// that one has been without progress; 0 without requests.
func (b *Board) Extremes(now time.Duration) (oldest, quiet time.Duration) {
	for i := range b.used() {
		if age, still, ok := b.table[i].ages(now); ok {
			oldest, quiet = max(oldest, age), max(quiet, still)
		}
	}
	return oldest, quiet
}

// Request is the request of the entry with this index; false if none is under way there.
func (b *Board) Request(index int, now time.Duration) (r Request, ok bool) {
	if index < 0 || index >= b.used() {
		return r, false
	}
	r, ok = b.table[index].read(now)
	r.Index = index
	return r, ok
}

// used is how many entries were ever used: they are the first ones.
func (b *Board) used() int { return int(min(b.head.touched.Load(), uint64(len(b.table)))) }

// ages are those of a busy record. As in read, a writer at work is waited for a little.
func (r *record) ages(now time.Duration) (age, quiet time.Duration, ok bool) {
	for range readAttempts {
		before := r.control.Load()
		if !busy(before) {
			return 0, 0, false
		}
		age, quiet = since(now, r.start.Load()), since(now, r.last.Load())
		if whole(before, r.control.Load()) {
			break
		}
	}
	return age, quiet, true
}
