package ledger

import (
	"sync/atomic"
	"unsafe"
)

// Version is the layout's number. Any change to the types below, or to the
// meaning of a bucket, needs a new one; an upgrade to it begins a new ledger. Only
// what is added behind all the rest, where memory was zero so far, needs none.
const Version = 1

// magic begins every ledger: "chasorLG", little-endian.
const magic = 0x474c726f73616863

// How much there is room for.
const (
	MaxSlots     = 1024 // as the setting workers
	MaxRoutes    = 24   // route 0 is [Other]
	MaxCauses    = 40   // cause 0 is [Other]
	MaxUpstreams = 32   // upstream 0 is [Other]
	NameLen      = 64   // bytes of a route or a cause
	Classes      = 6    // by the first digit of the status; 0 is without one
)

// Other is what has no name of its own, or found no room.
const Other = "other"

type word = atomic.Uint64

type name struct {
	text [NameLen / 8]word
}

// names only grows: count is raised after the text is written.
type names[T any] struct {
	count word
	_     [7]word
	list  T
}

// header is for the whole service. The master writes it.
type header struct {
	magic, version, size word
	began                word // unix nanoseconds
	slots                word // one more than the highest slot ever used
	_                    [3]word

	outcomes [Kinds][Outcomes]word
	_        [2]word

	routes names[[MaxRoutes]name]
	causes names[[MaxCauses]name]

	samples ring

	upstreams names[[MaxUpstreams]name]
}

// page is one slot: what its workers, one after the other, have counted.
type page struct {
	// Written by workers.
	used                   [3]word // bit route*Classes+class: its series has a count
	_                      [5]word
	bytesOut               word
	timeouts, panics, lost word
	accepted, taken        word
	_                      [2]word
	// Written by the master.
	processor word // nanoseconds
	died      word // requests lost in deaths
	_         [6]word
	deaths    [MaxCauses]word
	_         [8]word
	// Written by workers.
	upstreams [MaxUpstreams]upstream
}

// upstream is what a slot's workers have asked of one upstream: one cache line.
type upstream struct {
	requests, failures, limited, retries, ejections word
	answers, waited                                 word // waited is in nanoseconds, for the answers' first bytes
	_                                               [1]word
}

// series are the latencies of one route and status class in one slot.
type series struct {
	sum     word // nanoseconds
	zero    word
	native  [Native]word
	classic [Classic]word
	_       [12]word
}

const (
	headerSize = (int(unsafe.Sizeof(header{})) + pageSize - 1) / pageSize * pageSize
	pageSize   = 4096
	perSlot    = MaxRoutes * Classes
	// slotSize is the distance of two slots: a whole number of pages, so that each can be mapped alone.
	slotSize = (pageSize + perSlot*int(unsafe.Sizeof(series{})) + 65535) / 65536 * 65536
	size     = headerPart + MaxSlots*slotSize
	// headerPart is a multiple of every page size in use (arm64 has 64 KiB pages too).
	headerPart = (headerSize + 65535) / 65536 * 65536
)

// These do not compile if a type outgrows its place, or series are not whole cache lines.
var (
	_ [pageSize - unsafe.Sizeof(page{})]byte
	_ [3*64 - perSlot]byte
	_ [-(unsafe.Sizeof(series{}) % 64)]byte
)
