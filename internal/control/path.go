package control

// Paths of the API. {slot} and {id} are the patterns of net/http's ServeMux.
const (
	PathStatus   = "/v1/status"                 // GET: Status
	PathHealth   = "/v1/health"                 // GET: Health; 503 while nothing serves
	PathRequests = "/v1/requests"               // GET: Requests
	PathEvents   = "/v1/events"                 // GET ?since=SEQ: Events; &follow=1: one Event per line, endless
	PathDeaths   = "/v1/deaths"                 // GET: Deaths
	PathDeath    = "/v1/deaths/{id}"            // GET: DeathRecord
	PathReload   = "/v1/reload"                 // POST ?wait=1: Result; ?dry_run=1: Plan
	PathUpgrade  = "/v1/upgrade"                // POST ?wait=1: Result
	PathRollback = "/v1/rollback"               // POST ?wait=1: Result
	PathScale    = "/v1/scale"                  // POST ScaleOrder: Result
	PathRecycle  = "/v1/recycle"                // POST RecycleOrder: Result
	PathDrain    = "/v1/drain"                  // POST: Result
	PathLogLevel = "/v1/log-level"              // PUT LevelOrder: Result
	PathStacks   = "/v1/workers/{slot}/stacks"  // GET: Stacks
	PathProfile  = "/v1/workers/{slot}/profile" // GET ?kind=cpu&seconds=10: pprof or trace bytes
)

// Version is the number in the paths.
const Version = 1

// Error is the body of every answer that is not a success (status 4xx, 5xx).
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"` // what failed, on what, and what to do
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Code names a kind of error, for programs.
type Code string

// The codes.
const (
	CodeUsage    Code = "usage"     // the request itself makes no sense
	CodeDenied   Code = "denied"    // the caller is neither the owner nor root
	CodeNotFound Code = "not_found" // no such worker, death or path
	CodeRefused  Code = "refused"   // not now: the message says why
	CodeFailed   Code = "failed"    // it was tried
	CodeSilent   Code = "silent"    // the worker does not answer
	CodeLeaving  Code = "leaving"   // this master is about to end
	CodeNoMaster Code = "no_master" // only in what the command line prints: nobody answers
	CodeTimeout  Code = "timeout"   // only there too: --timeout is over
)
