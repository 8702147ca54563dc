package scoreboard

import (
	"sync/atomic"
	"unsafe"
)

// Version is the layout's number. Any change to the types below, or to the
// meaning of a bucket or a state, needs a new one. Only what is added behind all the
// rest of the header, where memory was zero so far, needs none.
const Version = 1

// magic begins every board: "chasorSB", little-endian.
const magic = 0x4253726f73616863

// Room for text in an entry, in bytes. Longer text is cut.
const (
	MethodLen = 16
	PathLen   = 128
	ClientLen = 48
)

// MaxUpstreams is how many upstreams a worker shows.
const MaxUpstreams = 32

// MaxEntries bounds the size of a board.
const MaxEntries = 1 << 20

// header begins the block. Words written by different goroutines lie on
// different cache lines.
type header struct {
	// Identity, written by the master before the worker exists.
	magic, version, size, entries word
	slot, generation, incarnation word
	_                             [1]word

	// Written by the worker's main goroutine.
	pid, state word
	_          [6]word

	// Written by the heartbeat alone.
	beat word
	_    [7]word

	// Gauges; touched is one more than the highest entry ever used.
	connections, inFlight, streams atomic.Int64
	touched                        word
	_                              [4]word

	// Totals. The sum of classes is the number of finished requests.
	classes  [6]word
	bytesOut word
	busy     word // nanoseconds of all finished requests
	timeouts word
	panics   word
	lost     word
	opened   word // connections ever held
	_        [4]word

	latency [Buckets]word

	upstreams [MaxUpstreams]upstream
}

// upstream is what the worker thinks of one; state is zero until it knows it.
type upstream struct {
	state  word
	until  word // end of an ejection, sys.Monotonic
	active atomic.Int64
	_      [1]word
}

// record is one entry of the in-flight table: 256 bytes, four cache lines.
type record struct {
	// control is sequence<<16 | flags<<8 | state. An odd sequence means that
	// identity or text below is being written.
	control word
	id      word
	start   word // nanoseconds, sys.Monotonic
	last    word // last progress; since when it is idle
	bytes   word // of the response, so far
	lengths word // method | path<<8 | client<<24
	method  [MethodLen / 8]word
	path    [PathLen / 8]word
	client  [ClientLen / 8]word
	_       [2]word
}

type word = atomic.Uint64

const (
	headerSize = unsafe.Sizeof(header{})
	recordSize = unsafe.Sizeof(record{})
	// The table begins on a page of its own: pages of entries that were never used stay unallocated.
	tableAt = 8192
)

// These do not compile if a type outgrows its place.
var (
	_ [tableAt - headerSize]byte
	_ [256 - recordSize]byte
	_ [recordSize - 256]byte
)

func boardSize(entries int) int { return tableAt + entries*int(recordSize) }
