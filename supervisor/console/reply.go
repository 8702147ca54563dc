package console

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/webchasor/webchasor/internal/control"
)

// bodyLimit is far more than any order needs.
const bodyLimit = 64 << 10

// reply answers with JSON.
func reply(do func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := do(r)
		if err != nil {
			failWith(w, answer, err)
			return
		}
		write(w, http.StatusOK, answer)
	}
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(answer) // the caller is gone
}

// statusOf maps the codes of the contract to HTTP's.
var statusOf = map[control.Code]int{
	control.CodeUsage:    http.StatusBadRequest,
	control.CodeDenied:   http.StatusForbidden,
	control.CodeNotFound: http.StatusNotFound,
	control.CodeRefused:  http.StatusConflict,
	control.CodeFailed:   http.StatusInternalServerError,
	control.CodeSilent:   http.StatusGatewayTimeout,
	control.CodeLeaving:  http.StatusServiceUnavailable,
}

// failedOrder is an error together with how far the order came.
type failedOrder struct {
	*control.Error
	control.Result
}

// fail answers with an error of the contract, whatever err is.
func fail(w http.ResponseWriter, err error) { failWith(w, nil, err) }

// failWith adds the result of an order that failed, if there is one.
func failWith(w http.ResponseWriter, answer any, err error) {
	var known *control.Error
	if !errors.As(err, &known) {
		known = &control.Error{Code: control.CodeFailed, Message: err.Error()}
	}
	status, ok := statusOf[known.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	if r, ok := answer.(control.Result); ok && r.Outcome != "" {
		write(w, status, failedOrder{known, r})
		return
	}
	write(w, status, known)
}

func usage(message string) error {
	return &control.Error{Code: control.CodeUsage, Message: message}
}

// body reads an order. A misspelt field is a mistake, not a wish for the default.
func body(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, bodyLimit))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return usage("cannot read the order: " + err.Error() + "; its body is JSON, see docs/control.md")
	}
	return nil
}

// flag reads a yes or no from the query.
func flag(r *http.Request, name string) bool {
	yes, _ := strconv.ParseBool(r.URL.Query().Get(name))
	return yes
}

// number reads a number from the query, or takes the default.
func number(r *http.Request, name string, otherwise uint64) (uint64, error) {
	raw := r.URL.Query().Get(name)
	if raw == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(raw, 10, 63)
	if err != nil {
		return 0, usage("cannot use " + name + "=" + strconv.Quote(raw) + ": it has to be a number")
	}
	return n, nil
}

func slot(r *http.Request) (int, error) {
	n, err := strconv.Atoi(r.PathValue("slot"))
	if err != nil || n < 0 {
		return 0, usage("cannot use the slot " + strconv.Quote(r.PathValue("slot")) + ": it has to be a number, see status")
	}
	return n, nil
}
