package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Entry is a whole answer. Nobody may change it: it is given to many.
type Entry struct {
	ContentType string
	Stream      bool // Body is a stream of events
	Body        []byte
	Stored      time.Time
}

// Age is the value of the response header Age, in seconds.
func (e *Entry) Age(now time.Time) int { return max(0, int(now.Sub(e.Stored)/time.Second)) }

// weight is about what the entry takes in memory.
func (e *Entry) weight() uint32 { return uint32(len(e.Body) + len(e.ContentType) + 400) }

// head is what stands before the body in Redis.
type head struct {
	Version     int    `json:"v"`
	ContentType string `json:"t"`
	Stored      int64  `json:"at"` // Unix milliseconds
	Length      int    `json:"n"`
}

const version = 1

var errForeign = errors.New("it is not of this version")

func (e *Entry) encode() ([]byte, error) {
	h, err := json.Marshal(head{version, e.ContentType, e.Stored.UnixMilli(), len(e.Body)})
	if err != nil {
		return nil, err
	}
	return append(append(h, '\n'), e.Body...), nil
}

func decode(text []byte) (*Entry, error) {
	line, body, ok := bytes.Cut(text, []byte("\n"))
	var h head
	if err := json.Unmarshal(line, &h); err != nil || !ok || h.Version != version || h.Length != len(body) {
		return nil, errForeign
	}
	return &Entry{ContentType: h.ContentType, Stream: isStream(h.ContentType), Body: body, Stored: time.UnixMilli(h.Stored)}, nil
}

func isStream(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "text/event-stream")
}

// whole says whether an answer is worth keeping: all there, and no error in it.
func (e *Entry) whole() bool {
	if !e.Stream {
		return json.Valid(e.Body) && !hasError(e.Body)
	}
	done := false
	for line := range bytes.Lines(e.Body) {
		data, ok := bytes.CutPrefix(line, []byte("data:"))
		if !ok {
			continue
		}
		data = bytes.TrimSpace(data)
		if done = bytes.Equal(data, []byte("[DONE]")); !done && hasError(data) {
			return false
		}
	}
	return done && bytes.HasSuffix(e.Body, []byte("\n"))
}

// hasError says whether a piece of JSON is not an object, or one with an error.
func hasError(text []byte) bool {
	var v struct {
		Error any `json:"error"`
	}
	return json.Unmarshal(text, &v) != nil || v.Error != nil
}
