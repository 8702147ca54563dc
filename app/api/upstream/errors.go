package upstream

import (
	"fmt"
	"net/http"
	"time"
)

// Error is a failure that no upstream put into words. Its Message may be told to
// a client: it has no addresses and no secrets. Error() is for the log.
type Error struct {
	Status     int // the HTTP status for the client
	Type       string
	Code       string
	Param      string // the request's field to blame, or ""
	Message    string
	RetryAfter time.Duration // when a new attempt makes sense; 0 is unknown

	Upstream string // the name of the one that failed last, or ""
	Cause    error  // may be nil
}

// Error says which upstream failed and why.
func (e *Error) Error() string {
	text := e.Message
	if e.Upstream != "" {
		text = "upstream " + e.Upstream + ": " + text
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// The codes of an [Error].
const (
	CodeModelNotFound = "model_not_found"                // no upstream has a route for the model
	CodeBadRequest    = "invalid_json"                   // the body is no JSON object
	CodeUnreachable   = "upstream_unreachable"           // no connection
	CodeConnectSlow   = "upstream_connect_timeout"       // no connection in time
	CodeBroken        = "upstream_broken"                // the connection broke
	CodeFirstByteSlow = "upstream_first_byte_timeout"    // connected, asked, and nothing came in time
	CodeBetweenSlow   = "upstream_between_bytes_timeout" // an answer began and went silent
	CodeAuth          = "upstream_auth_failed"           // our key was refused
	CodeBadResponse   = "upstream_bad_response"          // an answer that OpenAI's protocol does not know
)

func (e *endpoint) fault(status int, code string, cause error, format string, args ...any) *Error {
	kind := "server_error"
	if status == http.StatusGatewayTimeout {
		kind = "timeout"
	}
	return &Error{Status: status, Type: kind, Code: code, Message: fmt.Sprintf(format, args...), Upstream: e.Name, Cause: cause}
}

func errModel(model string) *Error {
	return &Error{
		Status: http.StatusNotFound, Type: "invalid_request_error", Code: CodeModelNotFound, Param: "model",
		Message: fmt.Sprintf("The model %.200q does not exist.", model),
	}
}

func errBody(cause error) *Error {
	return &Error{
		Status: http.StatusBadRequest, Type: "invalid_request_error", Code: CodeBadRequest,
		Message: "The request body is no JSON object.", Cause: cause,
	}
}

// limitReached is the cause with which a timeout ends an attempt.
type limitReached struct {
	code  string
	limit time.Duration
}

func (l *limitReached) Error() string { return fmt.Sprintf("%s after %v", l.code, l.limit) }

// slow is the error for a limit.
func (e *endpoint) slow(l *limitReached) *Error {
	switch l.code {
	case CodeConnectSlow:
		return e.fault(http.StatusGatewayTimeout, l.code, nil, "The model provider could not be connected to within %v.", l.limit)
	case CodeFirstByteSlow:
		return e.fault(http.StatusGatewayTimeout, l.code, nil, "The model provider did not begin to answer within %v.", l.limit)
	default:
		return e.fault(http.StatusGatewayTimeout, l.code, nil, "The model provider went silent in the middle of its answer for %v.", l.limit)
	}
}
