package worker

import "errors"

// The causes of a request context's end, see [context.Cause].
var (
	// ErrClientGone: the client closed its connection, or its sending half:
	// the two look the same to us.
	ErrClientGone = errors.New("the client is gone")
	// ErrTimeout: the request made no progress for the timeout.
	ErrTimeout = errors.New("the request timed out")
	// ErrDraining: the worker leaves and its drain budget is used up.
	ErrDraining = errors.New("the worker is shutting down")
	// ErrFinished: the handler, and its stream if it had one, has returned.
	ErrFinished = errors.New("the request is finished")
)
