package api

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/config"
)

// Bounds of what one request may ask of the echo provider. They keep a single
// answer below a few megabytes and one wait below a few minutes.
const (
	maxEchoTokens = 100_000
	maxEchoDelay  = 5 * time.Minute
)

// Headers that override the echo settings for one request. The request's
// webchasor object wins over them.
const (
	headerTokens          = "X-Echo-Tokens"
	headerTokenDelay      = "X-Echo-Token-Delay"
	headerFirstTokenDelay = "X-Echo-First-Token-Delay"
)

// overrideFromHeaders applies the X-Echo headers; get returns "" for one that
// is not there.
func overrideFromHeaders(e *config.Echo, get func(name string) string) *Error {
	if v := get(headerTokens); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > maxEchoTokens {
			return errTokens(headerTokens, v)
		}
		e.Tokens = n
	}
	if err := overrideDelay(&e.TokenDelay, headerTokenDelay, get(headerTokenDelay)); err != nil {
		return err
	}
	return overrideDelay(&e.FirstTokenDelay, headerFirstTokenDelay, get(headerFirstTokenDelay))
}

// overrideDelay sets delay to what text says; "" leaves it alone. name is
// where the text stands in the request.
func overrideDelay(delay *time.Duration, name, text string) *Error {
	if text == "" {
		return nil
	}
	d, ok := parseDelay(text)
	if !ok {
		return invalid(name, "invalid_value", "Invalid '%s': it must be a duration from 0 to %s such as 50ms or 1.5 (seconds), but got '%s'.",
			name, maxEchoDelay, shorten(text))
	}
	*delay = d
	return nil
}

// overrideFromBody applies the request's webchasor object. Its keys are those
// of the settings, and one that does not exist is an error: the object is ours
// alone.
func overrideFromBody(e *config.Echo, raw json.RawMessage) *Error {
	if isNull(raw) {
		return nil
	}
	var w struct {
		Tokens          *int64     `json:"tokens"`
		TokenDelay      delayValue `json:"token_delay"`
		FirstTokenDelay delayValue `json:"first_token_delay"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return invalid("webchasor", "invalid_value",
				"Invalid 'webchasor': unknown key %s. The keys are tokens, token_delay and first_token_delay.", shorten(name))
		}
		return jsonError("webchasor", err)
	}
	if w.Tokens != nil {
		if *w.Tokens < 0 || *w.Tokens > maxEchoTokens {
			return errTokens("webchasor.tokens", strconv.FormatInt(*w.Tokens, 10))
		}
		e.Tokens = int(*w.Tokens)
	}
	if err := overrideDelay(&e.TokenDelay, "webchasor.token_delay", string(w.TokenDelay)); err != nil {
		return err
	}
	return overrideDelay(&e.FirstTokenDelay, "webchasor.first_token_delay", string(w.FirstTokenDelay))
}

// delayValue is a duration as a JSON string ("50ms") or number (seconds). What
// it says is checked by parseDelay.
type delayValue string

// UnmarshalJSON keeps any value as text; null is no value.
func (d *delayValue) UnmarshalJSON(raw []byte) error {
	if isNull(raw) {
		return nil
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
	}
	*d = delayValue(text)
	return nil
}

// parseDelay reads a delay within the bounds; a bare number is seconds, as in
// the settings.
func parseDelay(s string) (time.Duration, bool) {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		if math.IsNaN(seconds) || seconds < 0 || seconds > maxEchoDelay.Seconds() {
			return 0, false
		}
		return time.Duration(seconds * float64(time.Second)), true
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0 && d <= maxEchoDelay
}

func errTokens(param, got string) *Error {
	return invalid(param, "invalid_value", "Invalid '%s': it must be a whole number from 0 to %d, but got '%s'.", param, maxEchoTokens, shorten(got))
}
