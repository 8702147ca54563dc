package logs

import (
	"strconv"
	"time"
)

// AccessFormat is how access log lines are written.
type AccessFormat string

// The formats of the access log.
const (
	Combined   AccessFormat = "combined" // Gunicorn's default, which is Apache's combined
	AccessJSON AccessFormat = "json"
)

// Record is one request that was answered, or lost. Its strings are read only during
// [Access.Log], so they may be views of buffers that are reused.
type Record struct {
	Remote    string    // peer's address without the port; "" for a unix socket
	Time      time.Time // what the line shows, combined in its own location; Gunicorn's is when the request ended
	Method    string
	URI       string // as the client sent it
	Proto     string // HTTP/1.1
	Status    int
	Bytes     int64 // of the response's body
	Referer   string
	UserAgent string
	Duration  time.Duration
	RequestID string
	PID       int
	Slot      int
	// Lost says why the request died with its worker: the cause of the death,
	// and Death names the record of it. Only such a request has them.
	Lost  string
	Death string
}

// appendCombined appends r in the format
//
//	%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"
//
// of Gunicorn's access_log_format. Identity and user are never known here.
func (r *Record) appendCombined(line []byte, clock *stamp) []byte {
	line = appendEscaped(line, orDash(r.Remote))
	line = append(line, " - - "...)
	line = clock.appendCombined(line, r.Time)
	line = append(line, ` "`...)
	line = appendEscaped(line, r.Method)
	line = append(line, ' ')
	line = appendEscaped(line, r.URI)
	line = append(line, ' ')
	line = appendEscaped(line, r.Proto)
	line = append(line, `" `...)
	line = strconv.AppendInt(line, int64(r.Status), 10)
	line = append(line, ' ')
	line = strconv.AppendInt(line, r.Bytes, 10)
	line = append(line, ` "`...)
	line = appendEscaped(line, orDash(r.Referer))
	line = append(line, `" "`...)
	line = appendEscaped(line, orDash(r.UserAgent))
	return append(line, '"', '\n')
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// appendJSON appends r as an object; the duration is in seconds.
func (r *Record) appendJSON(line []byte, clock *stamp, truncated bool) []byte {
	line = append(line, `{"time":"`...)
	line = clock.appendRFC3339(line, r.Time)
	line = append(line, `","msg":"access","pid":`...)
	line = strconv.AppendInt(line, int64(r.PID), 10)
	line = append(line, `,"slot":`...)
	line = strconv.AppendInt(line, int64(r.Slot), 10)
	line = append(line, `,"request_id":`...)
	line = appendJSONString(line, r.RequestID)
	line = append(line, `,"remote":`...)
	line = appendJSONString(line, r.Remote)
	line = append(line, `,"method":`...)
	line = appendJSONString(line, r.Method)
	line = append(line, `,"uri":`...)
	line = appendJSONString(line, r.URI)
	line = append(line, `,"proto":`...)
	line = appendJSONString(line, r.Proto)
	line = append(line, `,"status":`...)
	line = strconv.AppendInt(line, int64(r.Status), 10)
	line = append(line, `,"bytes":`...)
	line = strconv.AppendInt(line, r.Bytes, 10)
	line = append(line, `,"duration":`...)
	line = strconv.AppendFloat(line, r.Duration.Seconds(), 'f', 6, 64)
	line = append(line, `,"referer":`...)
	line = appendJSONString(line, r.Referer)
	line = append(line, `,"user_agent":`...)
	line = appendJSONString(line, r.UserAgent)
	if r.Lost != "" {
		line = append(line, `,"lost":`...)
		line = appendJSONString(line, r.Lost)
	}
	if r.Death != "" {
		line = append(line, `,"death":`...)
		line = appendJSONString(line, r.Death)
	}
	if truncated {
		line = append(line, `,"truncated":true`...)
	}
	return append(line, '}', '\n')
}

// short returns r with every text cut to size bytes.
func (r *Record) short(size int) Record {
	s := *r
	for _, text := range []*string{&s.Remote, &s.Method, &s.URI, &s.Proto, &s.Referer, &s.UserAgent, &s.RequestID} {
		*text = cut(*text, size)
	}
	return s
}
