package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Error is one mistake of the operator. Every part is in their words.
type Error struct {
	Where   string // "/x/webchasor.yaml:12", "environment", "command line"
	Key     string // key, variable or flag as the operator wrote it
	Value   string // as written; hidden for secrets
	NoValue bool   // the mistake is the key itself
	Problem string
	Remedy  string
}

// Error names place, key, value, problem and remedy in one line.
func (e *Error) Error() string {
	what := e.Key
	if strings.ContainsFunc(what, func(r rune) bool { return r <= ' ' || r == 0x7f }) || len(what) > quoteMax {
		what = quote(what)
	}
	if !e.NoValue {
		what += " = " + quote(e.Value)
	}
	return fmt.Sprintf("%s: cannot use %s: %s; %s", e.Where, what, e.Problem, e.Remedy)
}

// Errors lists the single mistakes in an error of [Load], in order.
func Errors(err error) []error {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, Errors(e)...)
		}
		return all
	}
	return []error{err}
}

const quoteMax = 80

// quote makes a value safe for one log line, whatever is in it.
func quote(v string) string {
	if r := []rune(v); len(r) > quoteMax {
		v = string(r[:quoteMax]) + "..."
	}
	return strconv.Quote(v)
}
