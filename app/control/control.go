// Package control looks at a running service and steers it, from another
// program: everything that `webchasor status`, `reload` and the like do.
//
//	c := control.New("/run/webchasor/control.sock")
//	status, err := c.Status(ctx)
//	result, err := c.Reload(ctx, true)
//
// The socket is the service's setting control_socket; it answers to the user
// that runs the service and to root. docs/control.md describes what is behind it.
package control

import (
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/control/client"
)

// Client calls one service. It is safe for many goroutines; calls block until
// the answer is there or their context ends.
type Client = client.Client

// New returns a client for the control socket at path. It connects to nothing yet.
func New(path string) *Client { return client.New(path) }

// ErrNoMaster: nobody answers at the socket.
var ErrNoMaster = client.ErrNoMaster

// What the service says, and what it can be told.
type (
	// Status is the service at one moment.
	Status = control.Status
	// Health is the answer to "is it well?".
	Health = control.Health
	// Worker is one worker process.
	Worker = control.Worker
	// Listener is one address.
	Listener = control.Listener
	// Limit is a concurrency limit that workers have, summed over them.
	Limit = control.Limit
	// Totals are sums over all workers, of all times where they only grow.
	Totals = control.Totals
	// Orphan is a worker of a master before the last upgrade; it finishes streams.
	Orphan = control.Orphan
	// Setting is one value in force.
	Setting = control.Setting
	// Warning is something to look at.
	Warning = control.Warning
	// StackGroup is a number of goroutines that are at the same place.
	StackGroup = control.StackGroup
	// Requests is the answer to GET /v1/requests.
	Requests = control.Requests
	// Request is one request under way.
	Request = control.Request
	// Events is the answer to GET /v1/events.
	Events = control.Events
	// Event is something that happened to the service.
	Event = control.Event
	// Deaths is the answer to GET /v1/deaths.
	Deaths = control.Deaths
	// Death is one abnormal end of a worker, in short.
	Death = control.Death
	// DeathRecord is all that is kept of a death.
	DeathRecord = control.DeathRecord
	// Stacks are the goroutines of one worker, equal stacks together.
	Stacks = control.Stacks
	// Result is how an order ended, or that it has begun.
	Result = control.Result
	// Plan is what a reload would do.
	Plan = control.Plan
	// Change is a setting with another value.
	Change = control.Change
	// Error is the body of every answer that is not a success (status 4xx, 5xx).
	Error = control.Error
	// Seconds is a duration in JSON: a number, with a fraction.
	Seconds = control.Seconds
	// PoisonedShape is a kind of request that was in flight in several deaths.
	PoisonedShape = control.PoisonedShape
	// Certificate is one in use, with its life.
	Certificate = control.Certificate
	// Upstream is what workers know of an upstream, summed over them.
	Upstream = control.Upstream
	// ScaleOrder asks for another number of workers.
	ScaleOrder = control.ScaleOrder
	// RecycleOrder asks for replacements: of one slot, or of all.
	RecycleOrder = control.RecycleOrder
	// LevelOrder sets the level of the log until the next reload.
	LevelOrder = control.LevelOrder
	// Share is what each worker may use of what all have together.
	Share = control.Share
	// Traffic is what was served.
	Traffic = control.Traffic
	// Recently is what happened in the last quarter of an hour.
	Recently = control.Recently
	// Machine is what the service may use.
	Machine = control.Machine
	// Replacement is a worker on its way out, or about to be.
	Replacement = control.Replacement
	// Phase is what the fleet as a whole is doing.
	Phase = control.Phase
	// HealthState is the judgement in a Health.
	HealthState = control.HealthState
	// WorkerState is where a worker is in its life, and how well.
	WorkerState = control.WorkerState
	// Kind names what an Event is about.
	Kind = control.Kind
	// Outcome is a Result in one word.
	Outcome = control.Outcome
	// Code names a kind of Error, for programs.
	Code = control.Code
)
