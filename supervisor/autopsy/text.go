package autopsy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/machine"
)

// Bounds of the text's parts. Requests and output come before the stacks and
// must leave them room.
const (
	maxRequests = 200
	maxStderr   = 50
	maxField    = 300
)

// Text is the record for a tired human: what happened, which request is to
// blame, the proof, and last and longest the stacks. It has at most limit
// bytes; whole stacks are left out first, and it says how many.
func (r Record) Text(limit int) string {
	w := &sheet{limit: limit}
	for _, line := range r.Summary() {
		w.line("%s", oneLine(line, 2*maxSentence))
	}
	w.line("")
	w.line("cause       %s", r.Verdict.Cause)
	w.line("when        %s", r.Time.UTC().Format("2006-01-02 15:04:05.000 UTC"))
	w.line("worker      pid %d, slot %d, generation %d", r.PID, r.Slot, r.Generation)
	if r.Version != "" {
		w.line("version     %s", oneLine(r.Version, maxField))
	}
	w.line("life        %s, %d requests finished, %s open, last heartbeat %s before", seconds(r.Uptime), r.Requests, plural(r.Connections, "connection"), seconds(r.Silent))
	w.line("consumed    %s user, %s system, at most %s of memory, %d pages from disk, switches %d by itself, %d forced",
		seconds(r.Usage.User), seconds(r.Usage.System), mebibytes(r.Usage.MaxRSS), r.Usage.MajorFaults, r.Usage.Yielded, r.Usage.Preempted)
	r.Pressure.write(w)
	w.line("")
	w.line("Evidence")
	for _, e := range r.Verdict.Evidence {
		w.line("  - %s", oneLine(e, 2*maxSentence))
	}
	r.writeInFlight(w)
	r.writeIdle(w)
	r.writeOutput(w)
	r.writeStacks(w)
	return w.b.String()
}

func (r Record) writeInFlight(w *sheet) {
	w.line("")
	w.line("In flight: %s", plural(len(r.InFlight), "request"))
	for i, q := range r.byBlame() {
		if i == maxRequests {
			w.line("  ... and %d more", len(r.InFlight)-i)
			break
		}
		w.line("  - %s", q.describe())
	}
}

// writeIdle names the clients that lost a connection and no request: theirs, if
// one was on its way, was in the kernel's buffer, unread.
func (r Record) writeIdle(w *sheet) {
	if len(r.Idle) == 0 {
		return
	}
	w.line("")
	w.line("Idle: %s", plural(r.IdleAll, "connection"))
	for row := range slices.Chunk(r.Idle, 4) {
		w.line("    %s", oneLine(strings.Join(row, "  "), maxField))
	}
	if more := r.IdleAll - len(r.Idle); more > 0 {
		w.line("  ... and %d more", more)
	}
}

func (r Record) writeOutput(w *sheet) {
	for _, part := range []struct {
		title string
		lines []string
	}{{"Last output", r.Stderr}, {"Last lines of its log", r.Log}} {
		if len(part.lines) == 0 {
			continue
		}
		w.line("")
		w.line("%s", part.title)
		for _, s := range part.lines[max(0, len(part.lines)-maxStderr):] {
			w.line("  | %s", oneLine(s, 2*maxSentence))
		}
	}
}

// write says what the machine was like.
func (p Pressure) write(w *sheet) {
	if p.Total > 0 {
		w.line("machine     load %.2f on %.4g CPUs, %s of %s memory free", p.Load, p.CPUs, mebibytes(p.Available), mebibytes(p.Total))
	}
	if p.Limit > 0 {
		w.line("cgroup      %s of %s memory used", mebibytes(p.Used), mebibytes(p.Limit))
	}
	if p.CPU.Known || p.Memory.Known || p.IO.Known {
		w.line("pressure    cpu %s, memory %s, io %s (of the last 10 s somebody waited)", percent(p.CPU), percent(p.Memory), percent(p.IO))
	}
	if p.ThrottledInLife > 0 {
		w.line("throttled   %s by the CPU quota in its life, in %s", seconds(p.ThrottledInLifeFor), plural(int(p.ThrottledInLife), "period"))
	}
}

func percent(s machine.Stall) string {
	if !s.Known {
		return "unknown"
	}
	return fmt.Sprintf("%.1f %%", s.Some)
}

func (r Record) writeStacks(w *sheet) {
	d := r.Stacks
	w.line("")
	if d.Goroutines == 0 && len(d.Stacks) == 0 {
		none := r.Verdict.NoStacks
		if none == "" {
			none = "none: the crash text holds no stack"
		}
		w.line("Stacks: %s", none)
		return
	}
	w.line("Stacks: %s, %d different", plural(d.Goroutines, "goroutine"), len(d.Stacks))
	for _, s := range d.Headline {
		w.line("  %s", oneLine(s, maxSentence))
	}
	if d.Truncated {
		w.line("  (the text ends in the middle of a line: it was cut off)")
	}
	for i, s := range d.Stacks {
		if !w.fits(s.text()) {
			w.line("... %d more stacks are left out, the record may have %d bytes", len(d.Stacks)-i, w.limit)
			return
		}
	}
}

// describe is one row of the table of requests.
func (q Request) describe() string {
	s := fmt.Sprintf("%s %s (request %d, client %s): running %s, no progress for %s, %d bytes sent",
		oneLine(q.Method, maxField), oneLine(q.Path, maxField), q.ID, oneLine(q.Client, maxField),
		seconds(q.Age), seconds(q.SinceProgress), q.BytesOut)
	if len(q.Flags) > 0 {
		s += " [" + oneLine(strings.Join(q.Flags, ", "), maxField) + "]"
	}
	return s
}

func (s Stack) text() string {
	var b strings.Builder
	b.WriteByte('\n')
	if s.ID == "" {
		fmt.Fprintf(&b, "%s", oneLine(s.State, maxField))
	} else {
		fmt.Fprintf(&b, "%s [%s]", plural(s.Count, "goroutine"), oneLine(s.State, maxField))
	}
	if s.Waited > 0 {
		fmt.Fprintf(&b, ", waiting for up to %d min", s.Waited)
	}
	if s.ID != "" {
		fmt.Fprintf(&b, ", first is %s", s.ID)
	}
	if s.First {
		b.WriteString(", it was running")
	}
	b.WriteByte('\n')
	for _, f := range s.Frames {
		indent := "    "
		if strings.HasPrefix(f, "\t") {
			indent, f = "        ", f[1:]
		}
		b.WriteString(indent + oneLine(f, maxLine) + "\n")
	}
	return b.String()
}

// sheet is bounded text. Room for the closing remark is always kept.
type sheet struct {
	b     strings.Builder
	limit int
	full  bool
}

const remarkRoom = 128

// line adds one line while there is room; the first that does not fit ends
// the text with a remark.
func (w *sheet) line(format string, args ...any) {
	s := fmt.Sprintf(format, args...) + "\n"
	switch {
	case w.full:
	case w.b.Len()+len(s) <= w.limit-remarkRoom, strings.HasPrefix(s, "...") && w.b.Len()+len(s) <= w.limit:
		w.b.WriteString(s)
	default:
		w.full = true
		if end := "... cut here\n"; w.b.Len()+len(end) <= w.limit {
			w.b.WriteString(end)
		}
	}
}

// fits adds text if all of it fits.
func (w *sheet) fits(s string) bool {
	if w.full || w.b.Len()+len(s) > w.limit-remarkRoom {
		return false
	}
	w.b.WriteString(s)
	return true
}

func seconds(d time.Duration) string {
	if d < time.Hour {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
