package handoff

import "time"

// Inspection is what the master wants to see of a living worker. The answer
// comes in packets on a channel of its own, whose sending end travels beside
// the order: the first byte of a packet is its [Tag]. The worker stops when
// the master closes its end.
type Inspection struct {
	What InspectionKind
	// For is how long to watch, with cpu and trace.
	For time.Duration `json:",omitempty"`
}

// InspectionKind names what to look at.
type InspectionKind string

// The kinds.
const (
	InspectStacks    InspectionKind = "stacks"    // the text of all goroutines' stacks
	InspectCPU       InspectionKind = "cpu"       // pprof
	InspectHeap      InspectionKind = "heap"      // pprof
	InspectGoroutine InspectionKind = "goroutine" // pprof
	InspectTrace     InspectionKind = "trace"     // runtime/trace
)

// MaxInspection is the longest time to watch: a profile costs the worker a few
// percent, a trace more.
const MaxInspection = 5 * time.Minute

// Tag says what a packet of an inspection is.
type Tag byte

// The tags. The order is: begun, data as often as needed, then done or failed.
const (
	TagBegun  Tag = 'b' // the worker has read the order; nothing else
	TagData   Tag = 'd' // a piece of the answer, at most [MaxPiece] bytes
	TagDone   Tag = '.' // that was all
	TagFailed Tag = 'e' // the reason, as text
)

// MaxPiece bounds a piece of data, in bytes.
const MaxPiece = 64 << 10
