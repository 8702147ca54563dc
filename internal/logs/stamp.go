package logs

import "time"

// stamp writes times of log lines. Consecutive lines mostly fall into the same
// second, so it keeps the text of the last one: formatting a time costs more
// than the rest of the line.
type stamp struct {
	second   int64
	location *time.Location
	text     []byte
}

const (
	combinedTime = "[02/Jan/2006:15:04:05 -0700]"
	jsonSecond   = "2006-01-02T15:04:05"
)

func (s *stamp) appendCombined(line []byte, t time.Time) []byte {
	return append(line, s.of(t, combinedTime)...)
}

func (s *stamp) appendRFC3339(line []byte, t time.Time) []byte {
	t = t.UTC()
	line = append(line, s.of(t, jsonSecond)...)
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(line, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}

// of returns t in layout, to the second. A stamp serves one layout only. Both
// second and location count: a location shows one second in one way.
func (s *stamp) of(t time.Time, layout string) []byte {
	if second, location := t.Unix(), t.Location(); s.text == nil || second != s.second || location != s.location {
		s.second, s.location = second, location
		s.text = t.AppendFormat(s.text[:0], layout)
	}
	return s.text
}
