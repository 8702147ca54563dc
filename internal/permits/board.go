package permits

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"github.com/webchasor/webchasor/internal/sys"
)

// ErrNotBoard: the descriptor does not hold a board of permits.
var ErrNotBoard = errors.New("not a board of permits")

// VersionError: the board was made by a program with another layout.
type VersionError struct{ Got, Want uint64 }

// Error says both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("the board of permits has layout version %d, this program knows %d", e.Got, e.Want)
}

// Board is the shared memory. All methods but Close may be used by many
// goroutines and processes at once.
type Board struct {
	mem   []byte
	head  *header
	cells []cell
	rows  []row
	host  []word // by row and semaphore: what a row holds of the host's count
	alone []word // by row and semaphore: token<<32 | what a row counts for itself
	bells []int  // one per lane, or none: then those who wait look for themselves
	clock sys.Clock
}

// Descriptors are what keeps a board alive and what a worker inherits.
type Descriptors struct {
	Memory int
	Bells  []int // Lanes of them, or none where the system has no such thing
}

// Create makes a board without limits. The caller owns the descriptors, which
// must stay open while the board is in use.
func Create() (_ Descriptors, _ *Board, err error) {
	d := Descriptors{Memory: -1}
	size := sizesOf(MaxRows).all
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cannot create the board of permits: %w", err), d.Close())
		}
	}()
	if d.Memory, err = sys.Memfd("webchasor-permits", int64(size)); err != nil {
		return d, nil, err
	}
	for range Lanes {
		bell, err := sys.Bell()
		if errors.Is(err, errors.ErrUnsupported) {
			break
		}
		if err != nil {
			return d, nil, err
		}
		d.Bells = append(d.Bells, bell)
	}
	mem, err := sys.Map(d.Memory, int(size))
	if err != nil {
		return d, nil, err
	}
	return d, begin(mem, MaxRows, d.Bells), nil
}

// Open maps the board behind the descriptors, which stay the caller's and must
// stay open. The error is [ErrNotBoard] or a [*VersionError] if the content is
// not usable.
func Open(d Descriptors) (*Board, error) {
	size, err := sys.Size(d.Memory)
	if err != nil {
		return nil, fmt.Errorf("cannot open the board of permits: %w", err)
	}
	if size < int64(cellsAt) {
		return nil, fmt.Errorf("cannot open the board of permits: %w: its size is %d bytes", ErrNotBoard, size)
	}
	mem, err := sys.Map(d.Memory, int(size))
	if err != nil {
		return nil, fmt.Errorf("cannot open the board of permits: %w", err)
	}
	h := (*header)(unsafe.Pointer(&mem[0]))
	switch {
	case h.magic.Load() != magic:
		err = ErrNotBoard
	case h.version.Load() != Version:
		err = &VersionError{Got: h.version.Load(), Want: Version}
	case h.rows.Load() != MaxRows || h.size.Load() != uint64(size) || size != int64(sizesOf(MaxRows).all):
		err = fmt.Errorf("%w: its size is %d bytes", ErrNotBoard, size)
	default:
		return view(mem, MaxRows, d.Bells), nil
	}
	return nil, errors.Join(fmt.Errorf("cannot open the board of permits: %w", err), sys.Unmap(mem))
}

// begin writes the header of a new board.
func begin(mem []byte, rows int, bells []int) *Board {
	b := view(mem, rows, bells)
	b.head.version.Store(Version)
	b.head.size.Store(uint64(len(mem)))
	b.head.rows.Store(uint64(rows))
	for _, kind := range []nameKind{keyName, modelName} {
		b.cells[overflow+int(kind)].name.Store(uint64(kind) | 2) // no hash that ever comes
	}
	b.head.magic.Store(magic)
	return b
}

func view(mem []byte, rows int, bells []int) *Board {
	at := func(offset uintptr) unsafe.Pointer { return unsafe.Pointer(&mem[offset]) }
	parts := sizesOf(rows)
	return &Board{
		mem:   mem,
		head:  (*header)(at(0)),
		cells: unsafe.Slice((*cell)(at(cellsAt)), Semaphores),
		rows:  unsafe.Slice((*row)(at(rowsAt)), rows),
		host:  unsafe.Slice((*word)(at(parts.host)), rows*Semaphores),
		alone: unsafe.Slice((*word)(at(parts.alone)), rows*Semaphores),
		bells: bells,
		clock: sys.NewClock(),
	}
}

// Private returns the only place of a board that no other process sees, for
// an API without a master.
func Private(l Limits) *Place {
	words := make([]uint64, sizesOf(1).all/8) // aligned, as mapped memory is
	mem := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)
	b := begin(mem, 1, nil)
	b.Configure(l)
	seat, _ := b.Assign(Alone)
	p := b.Place(seat)
	p.private = true
	return p
}

// Close ends the mapping of a shared board; nothing may use it any more.
func (b *Board) Close() error {
	mem := b.mem
	*b = Board{}
	if mem == nil {
		return os.ErrClosed
	}
	return sys.Unmap(mem)
}

// All lists the descriptors, the memory first.
func (d Descriptors) All() []int { return append([]int{d.Memory}, d.Bells...) }

// Close closes them. Boards that were opened with them can ring no more.
func (d Descriptors) Close() error {
	var errs []error
	for _, fd := range d.All() {
		if fd >= 0 {
			errs = append(errs, sys.CloseFD(fd))
		}
	}
	return errors.Join(errs...)
}

// host's count of one semaphore.
func (b *Board) semaphore(id int) *semaphore {
	return &semaphore{
		total: &b.cells[id].total,
		rows:  func(row int) *word { return &b.host[row*Semaphores+id] },
		limit: func() uint64 {
			if id == LLM {
				return b.effective(&b.head.tuning)
			}
			return b.limit(id)
		},
	}
}

// answerWithin is how long a process that was rung for keeps its turn. One that
// runs at all answers within a few milliseconds; longer, and it is stopped or
// starved, and the others go on without it.
const answerWithin = 20 * time.Millisecond
