package handoff

import (
	"time"

	"github.com/webchasor/webchasor/internal/config"
)

// Boot is the first packet the master writes, before the worker exists.
type Boot struct {
	Name        string // program name for ps and /proc/self/comm
	MasterPID   int
	Slot        int
	Generation  uint64 // configuration generation
	Incarnation uint64 // unique within the master's life
	// MaxRequests is the recycle limit of this incarnation, jitter included; 0 is off.
	MaxRequests uint64
	Refuse      []Refusal `json:",omitempty"` // as in [Order.Refuse]
	Settings    config.Settings
	// Files are the log files whose descriptors come beside the packet, in order,
	// because the worker may not open them itself. Others it opens by their path.
	Files     []File   `json:",omitempty"`
	Permits   *Permits `json:",omitempty"` // nil: this worker counts for itself
	Listeners []Listener
	TLS       bool `json:",omitempty"` // there are certificates at [FDTLS]
}

// Permits is the worker's seat on the board of permits at [FDPermits].
type Permits struct {
	Row   int
	Token uint64
	Bells bool // the descriptors from [FDBells] on are there
}

// Listener describes the listening socket at FDListener+index.
type Listener struct {
	Network string // "tcp" or "unix"
	Address string // as bound, e.g. "127.0.0.1:8000"
	TLS     bool   `json:",omitempty"`
}

// Order is a packet from the master. Exactly one field group applies per Kind.
type Order struct {
	Kind OrderKind
	// Reason of a drain, for the log and the record.
	Reason DrainReason `json:",omitempty"`
	// LogLevel for OrderLogLevel.
	LogLevel string `json:",omitempty"`
	// Targets of OrderDrain and OrderShed: one descriptor beside the packet
	// each, the sending end of a transfer to another worker, best one first.
	Targets []Target `json:",omitempty"`
	// Line of OrderDrain: one more descriptor, the last one, is the receiving end of a
	// line. On it come further orders to drain, from masters after ours.
	Line bool `json:",omitempty"`
	// Count of connections for OrderShed.
	Count int `json:",omitempty"`
	// Slot and Listeners of OrderAdopt and OrderRelease; OrderAdopt has one
	// descriptor per listener.
	Slot      int        `json:",omitempty"`
	Listeners []Listener `json:",omitempty"`
	// Refuse of OrderRefuse is the whole list, in the place of the one before.
	Refuse []Refusal `json:",omitempty"`
	// Inspect of OrderInspect.
	Inspect *Inspection `json:",omitempty"`
	// Files of OrderReopen, as in [Boot.Files].
	Files []File `json:",omitempty"`
	// Share of OrderShare.
	Share *Share `json:",omitempty"`
}

// File names a log file.
type File string

// The files.
const (
	FileLog    File = "log"
	FileAccess File = "access"
)

// Share is a worker's part of what all workers have together. 0 leaves a value
// as it is.
type Share struct {
	Cores  int   // GOMAXPROCS
	Memory int64 // GOMEMLIMIT in bytes
}

// Refusal is a kind of request that has killed workers and is kept away from
// them for a while. The worker ends it by itself, also when the master is gone.
type Refusal struct {
	Shape string // see package shape
	// Until is [sys.Monotonic], which all processes of a machine share: a wall
	// time would make the quarantine longer or shorter when the clock is set.
	Until time.Duration
}

// Target is a worker that takes over idle connections.
type Target struct {
	Slot int
	PID  int // for the log; 0 if unknown
}

// OrderKind names what the master asks for.
type OrderKind string

// The orders.
const (
	OrderDrain    OrderKind = "drain"     // finish what is under way, then exit 0
	OrderQuit     OrderKind = "quit"      // quick stop: close everything and exit 0 now
	OrderReopen   OrderKind = "reopen"    // reopen log files; a descriptor for each of Files
	OrderLogLevel OrderKind = "log-level" // change the level
	OrderAdopt    OrderKind = "adopt"     // accept on another slot's sockets too
	OrderRelease  OrderKind = "release"   // stop accepting on them
	OrderTake     OrderKind = "take"      // one descriptor: the receiving end of a transfer to this worker
	OrderShed     OrderKind = "shed"      // hand Count idle connections over and go on serving
	OrderRefuse   OrderKind = "refuse"    // answer some kinds of requests with 503
	OrderTLS      OrderKind = "tls"       // one descriptor: certificates and ticket keys, as at [FDTLS], for new connections
	OrderInspect  OrderKind = "inspect"   // one descriptor: where to write what Inspect asks for
	OrderShare    OrderKind = "share"     // a new share: the number of workers has changed
)

// DrainReason says why a worker has to leave.
type DrainReason string

// The reasons. Only DrainStop and DrainOrphan close the listening sockets for
// good, so only they make the worker empty the accept queue first, see [SweepBudget].
const (
	DrainStop    DrainReason = "stop"
	DrainReload  DrainReason = "reload"
	DrainRecycle DrainReason = "max_requests"
	DrainMemory  DrainReason = "max_memory"
	DrainScale   DrainReason = "scale"
	DrainTimeout DrainReason = "timeout" // requests are stuck in it
	DrainUpgrade DrainReason = "upgrade" // a new master's workers take over
	DrainOrphan  DrainReason = "orphan"  // the master is gone (end of file)
)

// Report is a packet from the worker.
type Report struct {
	Kind ReportKind
	// Error carries the worker's own words for ReportFailed.
	Error string `json:",omitempty"`
	// Request describes the culprit for ReportStuck, e.g. "GET /spin".
	Request string `json:",omitempty"`
	// Age of the stuck request.
	Age time.Duration `json:",omitempty"`
}

// ReportKind names what the worker says.
type ReportKind string

// The reports.
const (
	ReportReady   ReportKind = "ready"   // it accepts connections
	ReportFailed  ReportKind = "failed"  // it will exit with ExitBoot or ExitLoad
	ReportRecycle ReportKind = "recycle" // max_requests reached; it goes on serving
	ReportTerm    ReportKind = "term"    // somebody sent it SIGTERM; it goes on serving until it is replaced
	ReportStuck   ReportKind = "stuck"   // a timed-out handler does not end; replace me
	ReportClosed  ReportKind = "closed"  // draining: listening sockets closed, queue empty
)
