package permits

// semaphore counts the permits of one limit over all rows. It is a view of
// shared words; every method may be called by any process at any time, and a
// process may die before any of its atomic operations.
//
// The total is sequence<<32 | row<<21 | taken<<20 | count. The word of a row is
// sequence<<32 | count, with the sequence number of the last change for that
// row. A change is made in the total, in one operation, and is the truth from
// then on. The row's word follows: whoever wants to make the next change writes
// it first (settle), be it another process. So a change can never be half
// done for good, and the row says exactly what its process holds.
//
// Sequence numbers make the writing idempotent, and no value of a word comes
// back within four thousand million changes.
type semaphore struct {
	total *word
	rows  func(row int) *word
	limit func() uint64 // 0 is none

	step func() // called before each operation on shared words, by the model test alone
}

const (
	countBits = 20
	ownerBits = 11
	takenBit  = 1 << countBits
	countMask = takenBit - 1
	ownerAt   = countBits + 1

	// MaxLimit is the largest limit that can be counted.
	MaxLimit = countMask
)

func countOf(total uint64) uint64 { return total & countMask }
func ownerOf(total uint64) int    { return int(total >> ownerAt & (1<<ownerBits - 1)) }

// change is the total after row took or returned one permit.
func change(total uint64, row int, taken bool) uint64 {
	seq := total>>32 + 1
	if seq >= 1<<32 {
		seq = 1 // 0 is what a row that was never used says
	}
	count := countOf(total) - 1
	if taken {
		count += 2
	}
	next := seq<<32 | uint64(row)<<ownerAt | count
	if taken {
		next |= takenBit
	}
	return next
}

func (s *semaphore) pause() {
	if s.step != nil {
		s.step()
	}
}

// settle writes the latest change into its row, if that has not happened. It
// returns false when total is not the latest any more.
func (s *semaphore) settle(total uint64) bool {
	at := s.rows(ownerOf(total))
	s.pause()
	held := at.Load()
	if held>>32 == total>>32 {
		return true
	}
	s.pause()
	if s.total.Load() != total {
		return false
	}
	// Until this change is settled there is no next one, so the row's word is
	// still the one before it, or somebody settles at this moment.
	count := held&(1<<32-1) - 1
	if total&takenBit != 0 {
		count += 2
	}
	s.pause()
	at.CompareAndSwap(held, total>>32<<32|count&(1<<32-1))
	return true
}

// read returns the latest total, settled.
func (s *semaphore) read() uint64 {
	for {
		s.pause()
		total := s.total.Load()
		if s.settle(total) {
			return total
		}
	}
}

// full says whether nothing can be taken now.
func (s *semaphore) full() bool {
	limit := s.limit()
	return limit != 0 && countOf(s.total.Load()) >= min(limit, MaxLimit)
}

// take takes one permit for the row, or returns false when all are taken.
func (s *semaphore) take(row int) bool {
	for {
		total := s.read()
		limit := s.limit()
		if limit == 0 || limit > MaxLimit {
			limit = MaxLimit
		}
		if countOf(total) >= limit {
			return false
		}
		if s.swap(total, change(total, row, true)) {
			return true
		}
	}
}

// put returns one permit of the row, which must hold one.
func (s *semaphore) put(row int) {
	for {
		total := s.read()
		if s.swap(total, change(total, row, false)) {
			return
		}
	}
}

func (s *semaphore) swap(total, next uint64) bool {
	s.pause()
	if !s.total.CompareAndSwap(total, next) {
		return false
	}
	s.settle(next)
	return true
}

// reap returns all that the row holds. still says that the row has not been
// given to somebody else; it is asked after the total was read, so that a
// permit of a new occupant, which would change the total, is never returned.
func (s *semaphore) reap(row int, still func() bool) (returned int) {
	for {
		total := s.read()
		s.pause()
		held := s.rows(row).Load() & (1<<32 - 1)
		s.pause()
		if held == 0 || !still() {
			return returned
		}
		if s.swap(total, change(total, row, false)) {
			returned++
		}
	}
}

// held returns what the row holds, and the count of all.
func (s *semaphore) held(row int) (mine, all int) {
	for {
		total := s.read()
		mine := s.rows(row).Load() & (1<<32 - 1)
		if s.total.Load() == total {
			return int(mine), int(countOf(total))
		}
	}
}
