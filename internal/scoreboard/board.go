package scoreboard

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
	"unsafe"

	"github.com/webchasor/webchasor/internal/sys"
)

// ErrNotBoard: the descriptor does not hold a scoreboard.
var ErrNotBoard = errors.New("not a scoreboard")

// VersionError: the board was made by a program with another layout. Its
// fields cannot be read; the worker behind it can still be watched by other means.
type VersionError struct{ Got, Want uint64 }

// Error says both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("the scoreboard has layout version %d, this program knows %d", e.Got, e.Want)
}

// Options of a new board.
type Options struct {
	Entries     int // in-flight entries, one per connection: worker_connections and some slack
	Slot        int
	Generation  uint64
	Incarnation uint64
}

// Board is one worker incarnation's scoreboard. All methods but Close may be
// used by many goroutines at once.
type Board struct {
	mem   []byte
	head  *header
	table []record

	once sync.Once
	pool *pool // made by the first Acquire: only the worker has one
}

// Create makes a board in sealed shared memory. The caller owns fd, which the
// worker inherits and which may be closed at any time without harm to the Board.
func Create(o Options) (fd int, b *Board, err error) {
	if o.Entries < 1 || o.Entries > MaxEntries {
		return -1, nil, fmt.Errorf("cannot create a scoreboard with %d entries: want 1 to %d", o.Entries, MaxEntries)
	}
	size := boardSize(o.Entries)
	fd, err = sys.Memfd(fmt.Sprintf("webchasor-board-%d-%d", o.Slot, o.Incarnation), int64(size))
	if err != nil {
		return -1, nil, fmt.Errorf("cannot create a scoreboard: %w", err)
	}
	mem, err := sys.Map(fd, size)
	if err != nil {
		return -1, nil, errors.Join(fmt.Errorf("cannot create a scoreboard: %w", err), sys.CloseFD(fd))
	}
	h := (*header)(unsafe.Pointer(&mem[0]))
	h.version.Store(Version)
	h.size.Store(uint64(size))
	h.entries.Store(uint64(o.Entries))
	h.slot.Store(uint64(o.Slot))
	h.generation.Store(o.Generation)
	h.incarnation.Store(o.Incarnation)
	h.magic.Store(magic)
	return fd, view(mem, o.Entries), nil
}

// Open maps the board behind fd, which stays the caller's. The error is
// [ErrNotBoard] or a [*VersionError] if the content is not usable.
func Open(fd int) (*Board, error) {
	size, err := sys.Size(fd)
	if err != nil {
		return nil, fmt.Errorf("cannot open the scoreboard: %w", err)
	}
	if size < tableAt || size > int64(boardSize(MaxEntries)) {
		return nil, fmt.Errorf("cannot open the scoreboard: %w: its size is %d bytes", ErrNotBoard, size)
	}
	mem, err := sys.Map(fd, int(size))
	if err != nil {
		return nil, fmt.Errorf("cannot open the scoreboard: %w", err)
	}
	b, err := attach(mem)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the scoreboard: %w", err), sys.Unmap(mem))
	}
	return b, nil
}

// attach validates the header once; what it says is not asked again.
func attach(mem []byte) (*Board, error) {
	h := (*header)(unsafe.Pointer(&mem[0]))
	if got := h.magic.Load(); got != magic {
		return nil, fmt.Errorf("%w: it begins with %#x", ErrNotBoard, got)
	}
	if got := h.version.Load(); got != Version {
		return nil, &VersionError{Got: got, Want: Version}
	}
	entries, size := h.entries.Load(), h.size.Load()
	if entries < 1 || entries > MaxEntries || size != uint64(len(mem)) || boardSize(int(entries)) != len(mem) {
		return nil, fmt.Errorf("%w: %d entries in %d bytes, the file has %d", ErrNotBoard, entries, size, len(mem))
	}
	return view(mem, int(entries)), nil
}

func view(mem []byte, entries int) *Board {
	return &Board{
		mem:   mem,
		head:  (*header)(unsafe.Pointer(&mem[0])),
		table: unsafe.Slice((*record)(unsafe.Pointer(&mem[tableAt])), entries),
	}
}

// Close ends the mapping. Nothing may use the Board or its entries at the same
// time or later, so a worker leaves this to its exit.
func (b *Board) Close() error {
	mem := b.mem
	b.mem, b.head, b.table, b.pool = nil, nil, nil, nil
	if mem == nil {
		return os.ErrClosed
	}
	return sys.Unmap(mem)
}

// SetPID tells the worker's process id.
func (b *Board) SetPID(pid int) { b.head.pid.Store(uint64(pid)) }

// SetState tells the worker's state.
func (b *Board) SetState(s State) { b.head.state.Store(uint64(s)) }

// Beat is the heartbeat: now is [sys.Monotonic], or a [sys.Clock]'s.
func (b *Board) Beat(now time.Duration) { b.head.beat.Store(uint64(now)) }
