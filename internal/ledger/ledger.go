package ledger

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/webchasor/webchasor/internal/sys"
)

// ErrNotLedger: the descriptor does not hold a ledger that this program can read.
var ErrNotLedger = errors.New("not a ledger of this version")

// Ledger is the whole block, as the master holds it. Its methods may be used by
// several goroutines at once, but names are given by one of them only.
type Ledger struct {
	fd   int
	head *header

	mu    sync.Mutex
	slots []*Slot // mapped so far
}

// Create makes an empty ledger in sealed shared memory, 400 MiB of addresses
// of which nothing is allocated yet. It lives as long as the process.
func Create(now time.Time) (*Ledger, error) {
	fd, err := sys.Memfd("webchasor-ledger", int64(size))
	if err != nil {
		return nil, fmt.Errorf("cannot create the counters: %w", err)
	}
	l, err := open(fd)
	if err != nil {
		return nil, errors.Join(err, sys.CloseFD(fd))
	}
	h := l.head
	h.version.Store(Version)
	h.size.Store(uint64(size))
	h.began.Store(uint64(now.UnixNano()))
	register(&h.routes.count, h.routes.list[:], Other)
	register(&h.causes.count, h.causes.list[:], Other)
	h.magic.Store(magic)
	return l, nil
}

// Open takes over the ledger behind fd, which is the Ledger's from then on.
// [ErrNotLedger] if it has another layout; fd is the caller's then.
func Open(fd int) (*Ledger, error) {
	if n, err := sys.Size(fd); err != nil || n != int64(size) {
		return nil, errors.Join(fmt.Errorf("cannot use the counters: %w: its size is %d bytes", ErrNotLedger, n), err)
	}
	l, err := open(fd)
	if err != nil {
		return nil, err
	}
	if h := l.head; h.magic.Load() != magic || h.version.Load() != Version || h.size.Load() != uint64(size) {
		return nil, fmt.Errorf("cannot use the counters: %w: it has layout version %d, this program knows %d",
			ErrNotLedger, h.version.Load(), Version)
	}
	return l, nil
}

func open(fd int) (*Ledger, error) {
	mem, err := sys.Map(fd, headerPart)
	if err != nil {
		return nil, fmt.Errorf("cannot use the counters: %w", err)
	}
	return &Ledger{fd: fd, head: (*header)(unsafe.Pointer(&mem[0]))}, nil
}

// FD is the descriptor, for workers and for a new master. It stays the Ledger's.
func (l *Ledger) FD() int { return l.fd }

// Began is when the service did, over all upgrades.
func (l *Ledger) Began() time.Time { return time.Unix(0, int64(l.head.began.Load())) }

// Slot maps a slot's part, once; later calls return the same. Slots beyond
// [MaxSlots] share the last one.
func (l *Ledger) Slot(index int) (*Slot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.slot(min(max(index, 0), MaxSlots-1))
}

// Used returns every slot that ever was, by index. One that cannot be mapped ends the list.
func (l *Ledger) Used() []*Slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := int(min(l.head.slots.Load(), MaxSlots))
	for i := range n {
		if _, err := l.slot(i); err != nil {
			n = i
			break
		}
	}
	return slices.Clone(l.slots[:min(n, len(l.slots))])
}

func (l *Ledger) slot(index int) (*Slot, error) {
	for len(l.slots) <= index {
		l.slots = append(l.slots, nil)
	}
	if l.slots[index] == nil {
		mem, err := sys.MapAt(l.fd, int64(headerPart+index*slotSize), slotSize)
		if err != nil {
			return nil, fmt.Errorf("cannot use the counters of slot %d: %w", index, err)
		}
		l.slots[index] = &Slot{
			page:   (*page)(unsafe.Pointer(&mem[0])),
			series: (*[perSlot]series)(unsafe.Pointer(&mem[pageSize])),
		}
	}
	for old := l.head.slots.Load(); old <= uint64(index); old = l.head.slots.Load() {
		if l.head.slots.CompareAndSwap(old, uint64(index)+1) {
			break
		}
	}
	return l.slots[index], nil
}

// Close lets go of the descriptor. What is mapped stays.
func (l *Ledger) Close() error {
	fd := l.fd
	l.fd = -1
	return sys.CloseFD(fd)
}
