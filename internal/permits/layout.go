package permits

import (
	"sync/atomic"
	"unsafe"
)

// Version is the layout's number. Any change to the types below, or to the
// meaning of a word, needs a new one.
const Version = 3

// magic begins every board: "chasorPM", little-endian.
const magic = 0x4d50726f73616863

const (
	// MaxRows is how many processes can be on a board: two generations of the
	// largest fleet. It must fit into ownerBits.
	MaxRows = 2048
	// Semaphores is how many limits there can be, the first two included.
	Semaphores = 512
	// Lanes is the number of bells. Rows share them.
	Lanes = 8
)

// The semaphores that always exist; those of keys and models follow.
const (
	API = 0 // max_concurrent_requests
	LLM = 1 // llm_concurrent_limit

	firstNamed = 2
	// The last two are for all keys, and all models, that find no room: clients
	// choose the names of models, and must not escape a limit by many of them.
	overflow = Semaphores - 2
)

type word = atomic.Uint64

// header begins the block.
type header struct {
	magic, version, size, rows word
	_                          [4]word

	// Written by the master when it starts and when a reload commits.
	queue      word // requests that may wait
	patience   word // nanoseconds a request may wait
	perKey     word // limit of every client key; 0 is none
	perModel   word // limit of every model; 0 is none
	fullStatus word // HTTP status of a refusal

	// What the master tells of the service, see News.
	ready   word // workers that are
	wanted  word // workers that should be
	leaving word // 1: the service is about to stop

	named   word   // semaphores beyond firstNamed that have a name
	touched word   // one more than the highest row ever used
	tokens  word   // the latest occupant's
	floor   word   // of the adaptive limit; 0 is no such thing
	slow    word   // nanoseconds to a first byte that count as too many; 0 is none
	tuning  tuning // of the host
	_       [1]word

	ticket word // the latest waiter's
	_      [7]word

	past [8]word // counters of the rows that were given back
}

// semaphore words: one cache line each.
type cell struct {
	total word // see semaphore
	limit word // 0 is none of its own
	name  word // 0 is free; see nameOf. It changes when nobody uses it and another needs the place
	_     [5]word
}

// row is one process.
type row struct {
	// Written by the master.
	token word // of the occupant; 0 is free
	pid   word
	start word // when the process started, in clock ticks since the machine's boot
	scope word

	_ [4]word

	// Written by the occupant.
	oldest  word    // ticket of its oldest waiter; 0 is none
	blocked [2]word // of its oldest one that waits for API, and for LLM
	waiting word    // how many wait
	seen    word    // the bell it has answered
	plain   word    // of those who wait, how many need no LLM
	tuning  tuning  // of a process that counts for itself

	// Written by whoever rings.
	asked   word // how often
	askedAt word // when first since it was answered, sys.Monotonic
	_       [6]word

	counted [8]word // by Counter
}

const (
	headerSize = unsafe.Sizeof(header{})
	cellSize   = unsafe.Sizeof(cell{})
	rowSize    = unsafe.Sizeof(row{})

	cellsAt = 4096
	rowsAt  = cellsAt + Semaphores*cellSize
)

// sizes is where the parts of a board lie. Behind the rows come two tables with a word
// for each row and semaphore: what the row holds of the host's count, and what it
// counts for itself alone. Pages that nobody used cost nothing.
type sizes struct{ host, alone, all uintptr }

func sizesOf(rows int) sizes {
	table := uintptr(rows) * Semaphores * 8
	host := rowsAt + uintptr(rows)*rowSize
	return sizes{host: host, alone: host + table, all: host + 2*table}
}

// These do not compile if a type outgrows its place.
var (
	_ [cellsAt - headerSize]byte
	_ [64 - cellSize]byte
	_ [256 - rowSize]byte
	_ [1<<ownerBits - MaxRows]byte
)
