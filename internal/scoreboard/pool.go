package scoreboard

import "sync/atomic"

// pool hands out the entries of a board without locks. It is the worker's
// own and lives on its heap. Used entries come back first, so the table
// stays dense and the rest of it stays unallocated.
type pool struct {
	handles []Entry
	next    []atomic.Uint32 // index+1 of the free entry below; 0 ends the list
	// top is tag<<32 | index+1. The tag changes with every operation, so a
	// compare-and-swap cannot mistake an entry that left and came back for one that stayed.
	top   atomic.Uint64
	fresh atomic.Uint64 // entries below it have been used
}

func newPool(b *Board) *pool {
	p := &pool{handles: make([]Entry, len(b.table)), next: make([]atomic.Uint32, len(b.table))}
	for i := range p.handles {
		p.handles[i].head = b.head
		p.handles[i].rec = &b.table[i]
	}
	return p
}

func (p *pool) pop() (int, bool) {
	for {
		top := p.top.Load()
		at := uint32(top)
		if at == 0 {
			return p.unused()
		}
		below := p.next[at-1].Load()
		if p.top.CompareAndSwap(top, retag(top, below)) {
			return int(at - 1), true
		}
	}
}

func (p *pool) push(index int) {
	for {
		top := p.top.Load()
		p.next[index].Store(uint32(top))
		if p.top.CompareAndSwap(top, retag(top, uint32(index+1))) {
			return
		}
	}
}

func (p *pool) unused() (int, bool) {
	for {
		n := p.fresh.Load()
		if n >= uint64(len(p.handles)) {
			return 0, false
		}
		if p.fresh.CompareAndSwap(n, n+1) {
			return int(n), true
		}
	}
}

func retag(top uint64, at uint32) uint64 { return (top>>32+1)<<32 | uint64(at) }

// Acquire takes an entry for one connection; ok is false when all are taken.
// The entry belongs to the caller until [Board.Release].
func (b *Board) Acquire() (index int, e *Entry, ok bool) {
	b.once.Do(func() { b.pool = newPool(b) })
	index, ok = b.pool.pop()
	if !ok {
		return 0, nil, false
	}
	raise(&b.head.touched, uint64(index+1))
	b.head.connections.Add(1)
	e = &b.pool.handles[index]
	e.held.Store(true)
	return index, e, true
}

// Release gives an entry back, ending what was under way in it. A second
// Release of the same entry does nothing, unless it was acquired again in between.
func (b *Board) Release(index int) {
	e := &b.pool.handles[index]
	if !e.held.CompareAndSwap(true, false) {
		return
	}
	e.leave(entryFree)
	b.head.connections.Add(-1)
	b.pool.push(index)
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
