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

// What the service says.

type (
	Status      = control.Status
	Health      = control.Health
	Worker      = control.Worker
	Listener    = control.Listener
	Limit       = control.Limit
	Totals      = control.Totals
	Orphan      = control.Orphan
	Setting     = control.Setting
	Warning     = control.Warning
	StackGroup  = control.StackGroup
	Requests    = control.Requests
	Request     = control.Request
	Events      = control.Events
	Event       = control.Event
	Deaths      = control.Deaths
	Death       = control.Death
	DeathRecord = control.DeathRecord
	Stacks      = control.Stacks
	Result      = control.Result
	Plan        = control.Plan
	Change      = control.Change
	Error       = control.Error
	Seconds     = control.Seconds

	PoisonedShape = control.PoisonedShape
)

// What it can be told.

type (
	ScaleOrder   = control.ScaleOrder
	RecycleOrder = control.RecycleOrder
)
