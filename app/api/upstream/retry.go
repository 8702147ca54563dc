package upstream

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// again says whether and how an attempt may be repeated.
type again int

const (
	never     again = iota
	elsewhere       // by another upstream only
	anywhere        // by any
)

// retryable judges an answer with an error status. body is its beginning.
func retryable(status int, h http.Header, body []byte) again {
	switch h.Get("X-Should-Retry") { // what OpenAI's clients obey too
	case "false":
		return never
	case "true":
		return anywhere
	}
	switch {
	case status == http.StatusTooManyRequests:
		if bytes.Contains(body, []byte("insufficient_quota")) && errorCode(body) == "insufficient_quota" {
			return elsewhere // no wait helps
		}
		return anywhere
	case status == http.StatusRequestTimeout, status == http.StatusConflict:
		return anywhere
	case status == http.StatusUnauthorized, status == http.StatusNotImplemented:
		return elsewhere
	case status >= http.StatusInternalServerError:
		return anywhere
	default:
		return never
	}
}

func errorCode(body []byte) string {
	var envelope struct {
		Error struct {
			Code any `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &envelope) != nil {
		return ""
	}
	code, _ := envelope.Error.Code.(string)
	return code
}

// retryAfter reads what the upstream says about the next attempt; 0 is nothing.
func retryAfter(h http.Header, now time.Time) time.Duration {
	const most = 24 * time.Hour // beyond, the arithmetic could overflow and nobody waits anyway
	seconds := func(text string, unit time.Duration) (time.Duration, bool) {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n >= 0) { // NaN is not
			return 0, false
		}
		return time.Duration(min(n*float64(unit), float64(most))), true
	}
	if d, ok := seconds(h.Get("Retry-After-Ms"), time.Millisecond); ok {
		return d
	}
	text := h.Get("Retry-After")
	if d, ok := seconds(text, time.Second); ok {
		return d
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), most)
	}
	return 0
}

// backoff is the wait before the nth repetition, from 0: full jitter.
func (c *Config) backoff(n int) time.Duration {
	ceiling := c.BackoffBase
	for ; n > 0 && ceiling < c.BackoffMax; n-- {
		ceiling *= 2
	}
	return rand.N(min(ceiling, c.BackoffMax)) + 1
}

// allowance keeps repetitions at the same upstream to a fifth of its requests,
// so that one that is in trouble is not held down by its clients. The first 50
// are free. Another upstream may always be asked.
type allowance struct {
	spent atomic.Int64 // in fifths of a repetition
}

const (
	freeRetries = 50
	perRetry    = 5
)

// earn is called for each first attempt.
func (a *allowance) earn() {
	for {
		was := a.spent.Load()
		if was <= 0 || a.spent.CompareAndSwap(was, was-1) {
			return
		}
	}
}

// spend takes one repetition, if there is one left.
func (a *allowance) spend() bool {
	for {
		was := a.spent.Load()
		if was > (freeRetries-1)*perRetry {
			return false
		}
		if a.spent.CompareAndSwap(was, was+perRetry) {
			return true
		}
	}
}
