package permits

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Limits are what an operator can set. They apply at once to every process on
// the board. 0 is no limit.
type Limits struct {
	API, LLM int           // requests, and LLM calls among them
	Queue    int           // requests that may wait
	Patience time.Duration // the longest wait
	// PerKey and PerModel hold for each client key and each model that Keys
	// and Models do not name.
	PerKey, PerModel int
	Keys, Models     map[string]int
	FullStatus       int // HTTP status of a refusal
	// Floor makes the limit of LLM calls adaptive, between it and LLM; 0 leaves it fixed.
	Floor int
	Slow  time.Duration // see [Place.Slow]
}

// Configure puts limits into force. It returns the names that found no room
// and share the limit of all like them, because every place is in use.
func (b *Board) Configure(l Limits) (forgotten []string) {
	b.cells[API].limit.Store(uint64(max(l.API, 0)))
	b.cells[LLM].limit.Store(uint64(max(l.LLM, 0)))
	b.head.queue.Store(uint64(max(l.Queue, 0)))
	b.head.patience.Store(uint64(max(l.Patience, 0)))
	b.head.perKey.Store(uint64(max(l.PerKey, 0)))
	b.head.perModel.Store(uint64(max(l.PerModel, 0)))
	b.head.fullStatus.Store(uint64(max(l.FullStatus, 0)))
	b.head.floor.Store(uint64(max(l.Floor, 0)))
	b.head.slow.Store(uint64(max(l.Slow, 0)))
	own := map[int]int{}
	for kind, limits := range map[nameKind]map[string]int{keyName: l.Keys, modelName: l.Models} {
		for name, limit := range limits {
			id := b.name(kind, name, uint64(max(limit, 0)))
			if id < 0 {
				forgotten = append(forgotten, name)
				continue
			}
			own[id] = limit
		}
	}
	for id := firstNamed; id < b.names(); id++ {
		b.cells[id].limit.Store(uint64(max(own[id], 0)))
	}
	b.Rouse()
	return forgotten
}

// nameKind is the lowest bit of a name's word: keys and models may be called alike.
type nameKind uint64

const (
	keyName   nameKind = 0
	modelName nameKind = 1
)

// nameOf is 64 bits of a cryptographic hash, so that no two names collide and
// nobody can choose one that does.
func nameOf(kind nameKind, name string) uint64 {
	sum := sha256.Sum256([]byte(name))
	return binary.LittleEndian.Uint64(sum[:])&^1 | uint64(kind)
}

// names is one more than the highest semaphore in use.
func (b *Board) names() int {
	if n := firstNamed + int(b.head.named.Load()); n < overflow {
		return n
	}
	return Semaphores
}

// name gives a name its semaphore and a limit of its own; -1 is no room.
func (b *Board) name(kind nameKind, name string, limit uint64) int {
	for {
		id := b.find(kind, name, true)
		if id < 0 {
			return id
		}
		// With a limit of its own nobody evicts it any more. Somebody may have before.
		b.cells[id].limit.Store(limit)
		if b.cells[id].name.Load() == nameOf(kind, name) {
			return id
		}
	}
}

// find returns the semaphore of a name, or -1 when there is none and none can be made.
func (b *Board) find(kind nameKind, name string, make bool) int {
	want := nameOf(kind, name)
	for {
		for id := firstNamed; id < overflow; id++ {
			cell := &b.cells[id]
			got := cell.name.Load()
			if got == 0 {
				if !make {
					return -1
				}
				if cell.name.CompareAndSwap(0, want) {
					raise(&b.head.named, uint64(id-firstNamed+1))
					return id
				}
				got = cell.name.Load()
			}
			if got == want {
				raise(&b.head.named, uint64(id-firstNamed+1)) // who made it may have died before it did
				return id
			}
		}
		if !make || !b.evict(want) {
			return -1
		}
		// Once more: when two processes made the same name, the first one counts.
	}
}

// evict gives a place in a full table to a name: clients choose the names of
// models, so one that nobody uses gives way. Who has looked the old name up before
// and takes after this is counted under the new one, for that request.
func (b *Board) evict(want uint64) bool {
	for id := firstNamed; id < overflow; id++ {
		got := b.cells[id].name.Load()
		if got == want || b.idle(id) && b.cells[id].name.CompareAndSwap(got, want) {
			return true
		}
	}
	return false
}

// idle says that a semaphore has no limit of its own and nothing taken.
func (b *Board) idle(id int) bool {
	if b.cells[id].limit.Load() != 0 || countOf(b.cells[id].total.Load()) != 0 {
		return false
	}
	for row := range b.used() {
		own := b.alone[row*Semaphores+id].Load()
		if token := b.rows[row].token.Load(); token != 0 && own>>32 == token && own&(1<<32-1) != 0 {
			return false
		}
	}
	return true
}

// limit of a semaphore; 0 is none.
func (b *Board) limit(id int) uint64 {
	limit := b.cells[id].limit.Load()
	if limit != 0 || id < firstNamed {
		return limit
	}
	if nameKind(b.cells[id].name.Load()&1) == modelName {
		return b.head.perModel.Load()
	}
	return b.head.perKey.Load()
}

// raise makes w at least v.
func raise(w *word, v uint64) {
	for {
		old := w.Load()
		if old >= v || w.CompareAndSwap(old, v) {
			return
		}
	}
}
