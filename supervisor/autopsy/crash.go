package autopsy

import (
	"slices"
	"strings"
)

// goExit is the exit status of a Go program that panicked or dumped its
// goroutines on a signal (runtime.fatalpanic and runtime.crash end in exit(2)).
const goExit = 2

// crash is what a traceback says about its own origin.
type crash struct {
	seen     bool   // there is a traceback, or its headline
	headline string // "panic: boom"; "" if only the stacks are left
	signal   string // "SIGSEGV": the runtime received it
	sent     bool   // kill(2) sent that signal: si_code is SI_USER
}

// IsHeadline tells whether an output line says why a Go program crashes. Keep
// such a line even when the stacks that follow push it out of a short memory:
// the runtime writes "fatal error: ..." to stderr before it starts to copy to
// the crash output (runtime.writeErrData looks at m.dying), so the crash
// output has only the stacks.
func IsHeadline(line string) bool {
	if name, ok := signalLine(line); ok {
		return name != ""
	}
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}

// signalLine reads "SIGSEGV: segmentation violation".
func signalLine(line string) (name string, ok bool) {
	name, _, ok = strings.Cut(line, ": ")
	if !ok || !strings.HasPrefix(name, "SIG") || len(name) > len("SIGVTALRM") {
		return "", false
	}
	return name, strings.IndexFunc(name, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) < 0
}

// maxCrashHead bounds how far the headline is searched.
const maxCrashHead = 64 << 10

// readCrash looks at the crash output first and at the last words second.
func readCrash(text string, stderr []string) crash {
	var c crash
	for line := range strings.Lines(text[:min(len(text), maxCrashHead)]) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "goroutine ") || strings.HasPrefix(line, "runtime stack:") {
			c.seen = true
			break
		}
		c.read(line)
	}
	if c.headline == "" {
		// The last one counts: a program may have logged panics that it survived.
		for _, line := range slices.Backward(stderr) {
			if strings.HasPrefix(line, "fatal error: ") || !c.seen && strings.HasPrefix(line, "panic: ") {
				c.read(strings.TrimRight(line, "\r\n"))
				break
			}
		}
	}
	c.seen = c.seen || c.headline != ""
	return c
}

// read takes what one line before the stacks has to tell.
func (c *crash) read(line string) {
	switch {
	case c.headline == "" && IsHeadline(line):
		c.headline = line
		if name, ok := signalLine(line); ok {
			c.signal = name
		}
	case strings.HasPrefix(line, "\tpanic: ") && c.panicked() && len(c.headline) < 2*maxSentence:
		c.headline += "; " + strings.TrimSpace(line) // a deferred call panicked again
	case strings.HasPrefix(line, "[signal SIG"):
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "[signal "), ":")
		c.signal = name
	case strings.HasPrefix(line, "PC="):
		// "PC=0x40866e m=0 sigcode=0": asm-generic/siginfo.h, SI_USER is 0.
		for f := range strings.FieldsSeq(line) {
			c.sent = c.sent || f == "sigcode=0"
		}
	}
}

// panicked tells a panic, which may carry a signal (nil pointer), from a fatal signal.
func (c crash) panicked() bool { return strings.HasPrefix(c.headline, "panic: ") }
