package blackbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/webchasor/webchasor/internal/sys"
)

// Room is how many bytes of lines are kept.
const Room = 32 << 10

const magic = 0x31584f42_42455743 // "CWEBBOX1"

// head is the beginning of the shared memory.
type head struct {
	magic atomic.Uint64
	// claimed and written count all bytes that ever began, and have ended, to
	// be written. They differ while a line is copied, and for good when the
	// writer was killed then.
	claimed atomic.Uint64
	written atomic.Uint64
	_       [5]uint64
}

const (
	headSize = int(unsafe.Sizeof(head{}))
	size     = headSize + Room
)

// Box is one process's recorder. One process writes, from any number of
// goroutines; another may read at any time.
type Box struct {
	mu   sync.Mutex // orders the writers
	mem  []byte
	head *head
	ring []byte
}

// Create makes an empty box. The caller owns fd, which the writer inherits and
// which may be closed at any time without harm to the Box.
func Create(name string) (fd int, b *Box, err error) {
	fd, err = sys.Memfd(name, int64(size))
	if err != nil {
		return -1, nil, fmt.Errorf("cannot create a recorder of log lines: %w", err)
	}
	b, err = mapped(fd)
	if err != nil {
		return -1, nil, errors.Join(err, sys.CloseFD(fd))
	}
	b.head.magic.Store(magic)
	return fd, b, nil
}

// Open maps the box behind fd, which stays the caller's.
func Open(fd int) (*Box, error) {
	if n, err := sys.Size(fd); err != nil || n != int64(size) {
		return nil, fmt.Errorf("cannot open the recorder of log lines: it has %d bytes, not %d: %w", n, size, errors.Join(errFormat, err))
	}
	b, err := mapped(fd)
	if err != nil {
		return nil, err
	}
	if got := b.head.magic.Load(); got != magic {
		return nil, errors.Join(fmt.Errorf("cannot open the recorder of log lines: it begins with %#x: %w", got, errFormat), b.Close())
	}
	return b, nil
}

var errFormat = errors.New("another program made it")

func mapped(fd int) (*Box, error) {
	mem, err := sys.Map(fd, size)
	if err != nil {
		return nil, fmt.Errorf("cannot map the recorder of log lines: %w", err)
	}
	return &Box{mem: mem, head: (*head)(unsafe.Pointer(&mem[0])), ring: mem[headSize:]}, nil
}

// Write records p, which should be whole lines. It never fails and makes no
// system call. Only the last Room bytes of a longer text are kept.
func (b *Box) Write(p []byte) (int, error) {
	n := len(p)
	p = p[max(0, n-Room):]
	b.mu.Lock()
	defer b.mu.Unlock()
	at := b.head.written.Load()
	b.head.claimed.Store(at + uint64(len(p)))
	first := copy(b.ring[at%Room:], p)
	copy(b.ring, p[first:])
	b.head.written.Store(at + uint64(len(p)))
	return n, nil
}

// Lines returns the newest lines, oldest first, at most limit. If the writer
// was killed while it wrote, the half line is left out, and so is what it had
// begun to overwrite.
func (b *Box) Lines(limit int) []string {
	written, claimed := b.head.written.Load(), b.head.claimed.Load()
	if claimed < written || claimed-written > Room {
		return nil // somebody scribbled over it
	}
	oldest := uint64(0)
	if claimed > Room {
		oldest = claimed - Room
	}
	text := make([]byte, 0, Room)
	for at := oldest; at < written; {
		part := b.ring[at%Room:]
		part = part[:min(uint64(len(part)), written-at)]
		text = append(text, part...)
		at += uint64(len(part))
	}
	if oldest > 0 {
		_, text, _ = bytes.Cut(text, []byte("\n")) // its beginning is overwritten
	}
	if len(text) == 0 {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	return lines[max(0, len(lines)-limit):]
}

// Close ends the mapping. Nothing may use the Box at the same time or later,
// so a writer leaves this to its exit.
func (b *Box) Close() error {
	mem := b.mem
	b.mem, b.head, b.ring = nil, nil, nil
	if mem == nil {
		return os.ErrClosed
	}
	return sys.Unmap(mem)
}
