package autopsy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Dump is a Go traceback with identical stacks folded together.
type Dump struct {
	// Headline are the lines before the first stack: what went wrong.
	Headline []string `json:"headline,omitempty"`
	// Goroutines counts them all, also those in no Stack because of a bound.
	Goroutines int `json:"goroutines"`
	// Stacks, the First in front, the others by count.
	Stacks []Stack `json:"stacks"`
	// Truncated: the text ended in the middle of a line.
	Truncated bool `json:"truncated,omitempty"`
}

// Stack is one distinct stack and how many goroutines have it.
type Stack struct {
	Count int `json:"count"`
	// ID of the first goroutine with it; "" for the runtime's own stack.
	ID string `json:"id,omitempty"`
	// State as printed ("chan receive"), without the time.
	State string `json:"state"`
	// Waited is the longest wait among them in whole minutes, 0 under one.
	Waited int `json:"waited_minutes,omitempty"`
	// First: it was running and the runtime printed it first. In a panic it is
	// the one that panicked, after a signal the one that was interrupted.
	First bool `json:"first,omitempty"`
	// Frames are function and position in turn, without arguments and addresses.
	Frames []string `json:"frames"`
}

// Bounds against garbage. The runtime prints at most 100 frames of a stack
// (runtime.tracebackInnerFrames and -OuterFrames), two lines each.
const (
	maxHeadline = 20
	maxFrames   = 256
	maxStacks   = 1000
	maxLine     = 1000
)

// Group reads a traceback as GOTRACEBACK=all writes it, in one pass. Truncated
// text and garbage give what can be read of them, never an error.
func Group(text string) Dump {
	g := grouper{index: make(map[string]int)}
	for line := range strings.Lines(text) {
		g.line(strings.TrimRight(line, "\r\n"))
	}
	g.flush()
	g.dump.Truncated = text != "" && !strings.HasSuffix(text, "\n")
	slices.SortStableFunc(g.dump.Stacks, func(a, b Stack) int {
		if a.First != b.First {
			if a.First {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.Count, a.Count)
	})
	return g.dump
}

// grouper is the state of one pass: before the first stack, inside one, or
// between two.
type grouper struct {
	dump  Dump
	index map[string]int // frames and state -> position in dump.Stacks
	began bool           // a stack has been seen
	open  bool           // inside one
	first bool           // the open one is the first goroutine, and running
	id    string
	state string
	wait  int
	key   []byte // the frames of the open one, a line each
	lines int
}

func (g *grouper) line(s string) {
	if len(s) > maxLine {
		s = s[:maxLine]
	}
	if id, state, wait, ok := header(s); ok {
		g.flush()
		g.first = id != "" && g.dump.Goroutines == 0 && strings.HasPrefix(state, "running")
		if id != "" {
			g.dump.Goroutines++
		}
		g.began, g.open, g.id, g.state, g.wait = true, true, id, state, wait
		return
	}
	switch {
	case strings.TrimSpace(s) == "":
		g.flush()
	case !g.began:
		if len(g.dump.Headline) < maxHeadline {
			g.dump.Headline = append(g.dump.Headline, strings.Clone(s))
		}
	case g.open && g.lines < maxFrames:
		g.lines++
		g.key = append(append(g.key, frame(s)...), '\n')
	}
}

// flush files the open stack. Everything it keeps is copied out of the text,
// so that a record does not hold megabytes.
func (g *grouper) flush() {
	if !g.open {
		return
	}
	defer func() { g.open, g.key, g.lines = false, g.key[:0], 0 }()
	frames := len(g.key)
	g.key = append(g.key, g.state...)
	if i, ok := g.index[string(g.key)]; ok {
		s := &g.dump.Stacks[i]
		s.Count++
		s.Waited = max(s.Waited, g.wait)
		return
	}
	if len(g.dump.Stacks) == maxStacks {
		return
	}
	key := string(g.key)
	g.index[key] = len(g.dump.Stacks)
	g.dump.Stacks = append(g.dump.Stacks, Stack{
		Count: 1, ID: strings.Clone(g.id), State: key[frames:], Waited: g.wait, First: g.first,
		Frames: split(key[:frames]),
	})
}

func split(lines string) []string {
	if lines == "" {
		return nil
	}
	return strings.Split(lines[:len(lines)-1], "\n")
}

// header reads "goroutine 7 gp=0xc0 m=0 mp=0x5a [chan receive, 5 minutes]:"
// (runtime.goroutineheader) and "runtime stack:".
func header(s string) (id, state string, wait int, ok bool) {
	if s == "runtime stack:" {
		return "", "runtime stack", 0, true
	}
	rest, ok := strings.CutPrefix(s, "goroutine ")
	if !ok {
		return "", "", 0, false
	}
	before, status, ok := strings.Cut(rest, " [")
	status, closed := strings.CutSuffix(status, "]:")
	if !ok || !closed {
		return "", "", 0, false
	}
	id, _, _ = strings.Cut(before, " ")
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		return "", "", 0, false
	}
	var kept []string
	for part := range strings.SplitSeq(status, ", ") {
		if n, found := strings.CutSuffix(part, " minutes"); found {
			if m, err := strconv.Atoi(n); err == nil {
				wait = max(m, 0)
				continue
			}
		}
		kept = append(kept, part)
	}
	return id, strings.Join(kept, ", "), wait, true
}

// frame strips what differs between goroutines with the same stack.
func frame(s string) string {
	if position, ok := strings.CutPrefix(s, "\t"); ok {
		// "/app/main.go:9 +0x19 fp=0xc000 sp=0xc000 pc=0x48"
		position, _, _ = strings.Cut(position, " +0x")
		position, _, _ = strings.Cut(position, " fp=0x")
		return "\t" + position
	}
	if strings.HasPrefix(s, "created by ") {
		s, _, _ = strings.Cut(s, " in goroutine ")
		return s
	}
	if strings.HasSuffix(s, ")") {
		if i := strings.LastIndexByte(s, '('); i > 0 {
			return s[:i]
		}
	}
	return s
}
