package limit

import (
	"errors"
	"time"

	"github.com/webchasor/webchasor/internal/permits"
)

// Why a request is refused.
var (
	ErrFull = errors.New("all permits are taken and the queue is full")
	ErrSlow = errors.New("no permit became free within queue_timeout")
)

// Refusal is the error of a request that gets no permit. It wraps [ErrFull] or
// [ErrSlow].
type Refusal struct {
	Reason     error
	Status     int           // 503, 429 as the operator wishes, or 429 because it is the client's own limit
	RetryAfter time.Duration // when another try makes sense
}

// Error says why.
func (r *Refusal) Error() string { return r.Reason.Error() }

// Unwrap returns the reason.
func (r *Refusal) Unwrap() error { return r.Reason }

// retrySoon is the advice to who is refused: another worker, or this one a
// moment later, can do better. Clients add their own jitter.
const retrySoon = time.Second

const (
	statusFull    = 503
	statusTooMany = 429
)

// Want is what a request asks for.
type Want struct {
	LLM   bool   // it calls an LLM, so it counts against llm_concurrent_limit too
	Key   string // name of the client's key; "" is none
	Model string // name of the model; "" is none
}

// Place is where permits are counted.
type Place = permits.Place

// Options are the limits. A limit of 0 or less is none; without queue or
// patience nobody waits.
type Options struct {
	API, LLM int           // requests, and LLM calls among them, at a time
	Queue    int           // requests that may wait
	Patience time.Duration // longest wait

	// Place is where the permits are counted; its limits are the master's and
	// the ones above are not looked at. nil counts in this Limiter alone.
	Place *Place
	// Cluster counts all hosts together, beside what the place counts; nil does not.
	Cluster *Cluster
}
