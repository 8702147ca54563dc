package cache

import (
	"context"

	"github.com/maypok86/otter/v2"
)

// memory is the store of one process. Claims are of no use there: the flights do it all.
type memory struct {
	entries *otter.Cache[Key, *Entry]
}

func newMemory(c Config) (*memory, error) {
	entries, err := otter.New(&otter.Options[Key, *Entry]{
		MaximumWeight:    uint64(c.MaxBytes),
		Weigher:          func(_ Key, e *Entry) uint32 { return e.weight() },
		ExpiryCalculator: otter.ExpiryWriting[Key, *Entry](c.TTL),
	})
	return &memory{entries}, err
}

func (m *memory) get(_ context.Context, k Key) *Entry {
	e, _ := m.entries.GetIfPresent(k)
	return e
}

func (m *memory) put(k Key, e *Entry) { m.entries.Set(k, e) }

func (m *memory) claim(context.Context, Key) *claim { return &claim{func() {}} }

func (m *memory) changed(ctx context.Context, _ int) error { return context.Cause(ctx) }

func (m *memory) close() {
	m.entries.InvalidateAll()
	m.entries.StopAllGoroutines()
}
