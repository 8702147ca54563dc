package testproc

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"
)

// Line is one line the program wrote, parsed when it is a JSON object.
type Line struct {
	Text   string
	Seen   time.Time
	Fields map[string]any // nil when the line is not JSON
}

// Msg returns the message of a JSON line, or "".
func (l Line) Msg() string { return l.Str("msg") }

// Str returns a text field, or "".
func (l Line) Str(key string) string {
	s, _ := l.Fields[key].(string)
	return s
}

// Int returns a numeric field, or 0.
func (l Line) Int(key string) int {
	n, _ := l.Fields[key].(float64)
	return int(n)
}

// Match selects lines.
type Match func(Line) bool

// Msg matches lines whose message is exactly msg and whose fields are as
// given: keys and values alternate, numbers are ints.
func Msg(msg string, fields ...any) Match {
	return func(l Line) bool {
		if l.Msg() != msg {
			return false
		}
		for i := 0; i+1 < len(fields); i += 2 {
			key := fields[i].(string)
			switch want := fields[i+1].(type) {
			case int:
				if _, there := l.Fields[key]; !there || l.Int(key) != want {
					return false
				}
			case string:
				if l.Str(key) != want {
					return false
				}
			default:
				return false
			}
		}
		return true
	}
}

// Text matches lines that contain every part, anywhere in the line.
func Text(parts ...string) Match {
	return func(l Line) bool {
		for _, part := range parts {
			if !strings.Contains(l.Text, part) {
				return false
			}
		}
		return true
	}
}

// Level matches lines of a level.
func Level(level string) Match {
	return func(l Line) bool { return l.Str("level") == level }
}

// Both matches lines that both matches select.
func Both(a, b Match) Match {
	return func(l Line) bool { return a(l) && b(l) }
}

// Log collects the lines of one stream while the program runs. It is safe for
// concurrent use.
type Log struct {
	mu    sync.Mutex
	lines []Line
	done  chan struct{} // closed when the last writer has gone
}

// collect reads r to its end, copying what it reads to keep.
func collect(r io.Reader, keep io.Writer) *Log {
	log := &Log{done: make(chan struct{})}
	go func() {
		defer close(log.done)
		in := bufio.NewReaderSize(r, 64<<10)
		for {
			text, err := in.ReadString('\n')
			if text != "" {
				_, _ = io.WriteString(keep, text)
				log.add(strings.TrimSuffix(text, "\n"))
			}
			if err != nil {
				return
			}
		}
	}()
	return log
}

func (l *Log) add(text string) {
	line := Line{Text: text, Seen: time.Now()}
	if strings.HasPrefix(text, "{") {
		_ = json.Unmarshal([]byte(text), &line.Fields)
	}
	l.mu.Lock()
	l.lines = append(l.lines, line)
	l.mu.Unlock()
}

// ended reports whether every writer has gone: no line will follow.
func (l *Log) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// Mark is the number of lines so far: a position to look from later.
func (l *Log) Mark() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines)
}

// Lines returns the lines from a mark on that match; a nil match takes all.
func (l *Log) Lines(from int, match Match) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []Line
	for _, line := range l.lines[min(from, len(l.lines)):] {
		if match == nil || match(line) {
			found = append(found, line)
		}
	}
	return found
}

// Find returns the first line from a mark on that matches.
func (l *Log) Find(from int, match Match) (Line, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines[min(from, len(l.lines)):] {
		if match(line) {
			return line, true
		}
	}
	return Line{}, false
}

// String returns the whole text.
func (l *Log) String() string {
	var b strings.Builder
	for _, line := range l.Lines(0, nil) {
		b.WriteString(line.Text)
		b.WriteByte('\n')
	}
	return b.String()
}
