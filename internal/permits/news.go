package permits

// News is what the master tells every worker about the service. It is here
// because this memory is the one that all of them share already.
type News struct {
	Ready, Wanted int // workers
	// Leaving: the service is about to stop. It still serves; whoever sends it
	// traffic should look for another one.
	Leaving bool
}

// Tell publishes the news. It is the master's.
func (b *Board) Tell(n News) {
	b.head.ready.Store(uint64(max(n.Ready, 0)))
	b.head.wanted.Store(uint64(max(n.Wanted, 0)))
	leaving := uint64(0)
	if n.Leaving {
		leaving = 1
	}
	b.head.leaving.Store(leaving)
}

// News is the latest; ok is false when there is no master to tell any.
func (p *Place) News() (_ News, ok bool) {
	if p == nil || p.private {
		return News{}, false
	}
	h := p.board.head
	return News{Ready: int(h.ready.Load()), Wanted: int(h.wanted.Load()), Leaving: h.leaving.Load() != 0}, true
}
