package autopsy

import (
	"slices"
	"strings"
)

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
// frame that crashed; in a time-out, where requests are being handled, or where
// its setup waits. False if the stacks show none.
func (r Record) Where() (Place, bool) {
	blocked := Place{}
	for _, s := range r.Stacks.Stacks {
		p, found := s.place()
		if !found || !s.witness() {
			continue
		}
		switch {
		case s.First:
			// It crashed, or it ran when the signal came.
			return p, true
		case r.Verdict.Cause != CauseTimeout && r.Verdict.Cause != CauseOverdue && r.Verdict.Cause != CauseBootTimeout:
			// Another goroutine is a bystander.
		case r.Verdict.Cause == CauseBootTimeout && !s.calls(workerPackage+"guarded"):
			// Only the application's setup keeps a boot waiting.
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
	return s.calls(workerPackage)
}

// witness tells application code at work from the goroutine that asked for these
// stacks, and from main, which waits for the worker to end.
func (s Stack) witness() bool {
	return !s.calls(workerPackage+"abortSelf") && !s.calls(workerPackage+"Run")
}

// calls says that a function whose name begins so is in the stack.
func (s Stack) calls(function string) bool {
	return slices.ContainsFunc(s.Frames, func(f string) bool { return strings.HasPrefix(f, function) })
}

const workerPackage = "github.com/webchasor/webchasor/worker."

// libraries are what lies between the application and the kernel.
var libraries = []string{
	workerPackage, "github.com/webchasor/webchasor/internal/", "github.com/webchasor/webchasor/app.",
	"github.com/valyala/fasthttp", "golang.org/x/sys/",
}

// plumbing are functions that nobody debugs at three in the morning: the
// runtime, the standard library, the server underneath.
func plumbing(function string) bool {
	if function == "panic" || slices.ContainsFunc(libraries, func(l string) bool { return strings.HasPrefix(function, l) }) {
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
