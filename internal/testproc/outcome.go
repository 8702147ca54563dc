package testproc

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Outcome is what became of one request, as its client saw it.
type Outcome string

// The outcomes. Only OK is a success; a server that keeps its promises gives
// no other one to a client that does nothing wrong.
const (
	OK          Outcome = "ok"
	Status      Outcome = "status"       // a whole answer, but not 2xx
	Refused     Outcome = "refused"      // nobody listens
	ResetFresh  Outcome = "reset fresh"  // new connection, closed or reset before any byte of an answer
	ResetReused Outcome = "reset reused" // kept connection, closed or reset under a request without being announced
	Truncated   Outcome = "truncated"    // an answer began and did not end
	Timeout     Outcome = "timeout"
	Malformed   Outcome = "malformed" // an answer that is not HTTP
)

// classify names a failure. answered says whether a byte of the answer came.
func classify(err error, reused, answered bool) Outcome {
	var timeout net.Error
	closed := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return Timeout
	case answered && closed:
		return Truncated
	case closed && reused:
		return ResetReused
	case closed:
		return ResetFresh
	default:
		return Malformed
	}
}

// answerBegan reports whether a byte of an answer can be read now or later,
// waiting for it; err is why none came.
func answerBegan(br *bufio.Reader) error {
	_, err := br.Peek(1)
	return err
}
