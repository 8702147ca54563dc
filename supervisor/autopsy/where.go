package autopsy

import "strings"

// Place is one frame of the application in a stack.
type Place struct {
	Function string
	Position string // file:line
	Count    int    // goroutines with this stack
	State    string
}

func (p Place) String() string {
	s := p.Function
	if p.Position != "" {
		s += " at " + p.Position
	}
	return s
}

// Where is the application's own code that most likely did it: in a crash the
// frame that crashed; in a time-out, where requests are being handled. False
// if the stacks show none.
func (r Record) Where() (Place, bool) {
	blocked := Place{}
	for _, s := range r.Stacks.Stacks {
		p, found := s.place()
		if !found {
			continue
		}
		switch {
		case s.First:
			// It crashed, or it ran when the signal came.
			return p, true
		case r.Verdict.Cause != CauseTimeout && r.Verdict.Cause != CauseOverdue:
			// Another goroutine is a bystander.
		case s.serves() && p.Count > blocked.Count:
			blocked = p
		}
	}
	return blocked, blocked.Count > 0
}

// place is the innermost frame that belongs to the application.
func (s Stack) place() (Place, bool) {
	for i := 0; i < len(s.Frames); i++ {
		f := s.Frames[i]
		if strings.HasPrefix(f, "\t") || strings.HasPrefix(f, "created by ") || plumbing(f) {
			continue
		}
		p := Place{Function: f, Count: s.Count, State: s.State}
		if i+1 < len(s.Frames) {
			p.Position = strings.TrimPrefix(s.Frames[i+1], "\t")
		}
		return p, true
	}
	return Place{}, false
}

// serves says that the stack handles a request: the worker called into the application.
func (s Stack) serves() bool {
	for _, f := range s.Frames {
		if strings.HasPrefix(f, workerPackage) {
			return true
		}
	}
	return false
}

const workerPackage = "github.com/webchasor/webchasor/worker."

// plumbing are functions that nobody debugs at three in the morning: the
// runtime, the standard library, the server underneath.
func plumbing(function string) bool {
	if function == "panic" || strings.HasPrefix(function, workerPackage) || strings.HasPrefix(function, "github.com/valyala/fasthttp") {
		return true
	}
	first, _, path := strings.Cut(function, "/")
	if !path {
		first, _, _ = strings.Cut(function, ".")
	}
	switch first {
	case "runtime", "internal", "sync", "syscall", "time", "os", "io", "bufio", "net", "crypto", "reflect", "context",
		"encoding", "bytes", "strings", "fmt", "sort", "slices", "maps", "math", "compress", "errors", "database", "log", "html", "text", "iter", "unique":
		return true
	}
	return false
}
