package permits

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/webchasor/webchasor/internal/sys"
)

// Look is how often a process with waiting requests looks for itself, in case a
// bell was lost with the process that should have rung it.
const Look = 50 * time.Millisecond

// ring asks the process of a row to serve its queue, unless it was asked
// already and has not answered: it will find what is new when it does.
func (b *Board) ring(at int) bool {
	r := &b.rows[at]
	asked := r.asked.Load()
	if asked != r.seen.Load() || !r.asked.CompareAndSwap(asked, asked+1) {
		return false
	}
	r.askedAt.Store(uint64(b.clock.Now()))
	b.sound(at)
	return true
}

func (b *Board) sound(at int) {
	if len(b.bells) == Lanes {
		// A failure costs the ringed one a look of its own, no more.
		_ = sys.Ring(b.bells[at%Lanes])
	}
}

// Rouse asks everybody who waits.
func (b *Board) Rouse() {
	for i := range b.used() {
		if b.rows[i].oldest.Load() != 0 {
			b.ring(i)
		}
	}
}

// next asks the row with the oldest waiter after a ticket that may find
// something. It returns that row, or -1 when nobody waits. self is the row of the
// caller: it is returned without being rung for.
func (b *Board) next(after uint64, self int) int {
	for {
		llmFull := b.semaphore(LLM).full()
		found, ticket := -1, uint64(0)
		for i := range b.used() {
			r := &b.rows[i]
			oldest := r.oldest.Load()
			if oldest <= after || found >= 0 && oldest >= ticket {
				continue
			}
			if i != self && (Scope(r.scope.Load()) != Host || r.asked.Load() != r.seen.Load()) {
				continue
			}
			if llmFull && r.blocked[LLM].Load() == oldest && r.blocked[API].Load() == 0 {
				continue // it waits for another permit than the one that came back
			}
			found, ticket = i, oldest
		}
		if found < 0 || found == self || b.ring(found) {
			return found
		}
	}
}

// behind says that the process of a row is slow to answer its bell.
func (b *Board) behind(r *row) bool {
	return r.asked.Load() != r.seen.Load() && b.clock.Now()-time.Duration(r.askedAt.Load()) > answerWithin
}

// elder returns a row other than self in which somebody older waits for the
// same, and whose process is up to it; -1 if there is none.
func (b *Board) elder(self int, ticket uint64, kind int) int {
	for i := range b.used() {
		r := &b.rows[i]
		if t := r.blocked[kind].Load(); t == 0 || t >= ticket || i == self {
			continue
		}
		if Scope(r.scope.Load()) == Host && !b.behind(r) {
			return i
		}
	}
	return -1
}

// Listen calls f for every ring in this process's lane, which other rows share. It returns
// at once; the goroutine behind it lives as long as the process.
func (p *Place) Listen(f func()) error {
	if len(p.board.bells) != Lanes {
		return nil // [Look] has to do
	}
	// Its own descriptor: this one belongs to Go's poller and is closed with f.
	fd, err := sys.DupCloexec(p.board.bells[p.seat.Row%Lanes])
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(fd), "bell")
	raw, err := file.SyscallConn()
	if err != nil {
		return fmt.Errorf("cannot listen for permits: %w", err)
	}
	go func() {
		// Read goes on for ever: leaving it and coming back would lose the
		// edge between.
		_ = raw.Read(func(uintptr) bool {
			f()
			return false
		})
		runtime.KeepAlive(file)
	}()
	return nil
}
