package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/autopsy"
)

// A worker that has anything left answers an inspection at once: the reader of
// its orders only notes it and starts. Then it may need its time.
const (
	inspectBegin = 5 * time.Second
	inspectWork  = 30 * time.Second
)

// probe is an inspection under way, as the loop hands it out.
type probe struct {
	pid, slot int
	ch        *sys.Channel
	known     func() []string // what is known without its help; not for the loop
	err       error
}

// probe orders an inspection of the worker in a slot.
func (m *master) probe(slot int, what handoff.Inspection) (p probe) {
	c := m.inSlot(slot)
	if c == nil {
		p.err = &control.Error{Code: control.CodeNotFound, Message: fmt.Sprintf("cannot inspect slot %d: there is no worker in it", slot)}
		return p
	}
	p.pid, p.slot = c.pid, c.slot
	p.known = m.knownOf(c)
	ours, theirs, err := sys.ControlPair()
	if err != nil {
		p.err = err
		return p
	}
	defer func() { _ = sys.CloseFD(theirs) }()
	if p.ch, p.err = sys.NewChannel(ours); p.err != nil {
		_ = sys.CloseFD(ours)
		return p
	}
	packet, err := json.Marshal(handoff.Order{Kind: handoff.OrderInspect, Inspect: &what})
	if err == nil {
		err = c.control.TrySendFDs(packet, theirs)
	}
	if err != nil {
		_ = p.ch.Close()
		p.err = p.silent("does not read its orders")
	}
	return p
}

// inSlot is the worker that a slot's number means: the one that stays, if
// there are two.
func (m *master) inSlot(slot int) (found *child) {
	for _, c := range m.children {
		if c.slot != slot {
			continue
		}
		if found == nil || found.reason != "" && c.reason == "" || (found.reason == "") == (c.reason == "") && c.id > found.id {
			found = c
		}
	}
	return found
}

// knownOf collects what can be said about a worker without asking it. The
// rows are copied on the loop; the rest reads /proc.
func (m *master) knownOf(c *child) func() []string {
	now := m.clock.Now()
	board, requests := c.board.Snapshot(), c.board.InFlight(now)
	pid, started := c.pid, c.started
	return func() []string {
		known := []string{fmt.Sprintf("it was started %s ago", time.Since(started).Round(time.Second))}
		if board.Beat > 0 {
			known = append(known, fmt.Sprintf("its last heartbeat was %s ago", max(now-board.Beat, 0).Round(10*time.Millisecond)))
		} else {
			known = append(known, "it has had no heartbeat yet: it is still being set up")
		}
		if s := processState(pid); s != "" {
			known = append(known, s)
		}
		known = append(known, fmt.Sprintf("%d connections, %d requests in flight", board.Connections, len(requests)))
		const most = 5
		for _, q := range requests[:min(len(requests), most)] {
			known = append(known, fmt.Sprintf("%s %s from %s, running %s, no progress for %s",
				orDash(q.Method), orDash(q.Path), q.Client, q.Age.Round(time.Millisecond), q.Quiet.Round(time.Millisecond)))
		}
		return known
	}
}

// processState says in words what the kernel says about a process (proc_pid_stat(5)).
func processState(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name in parentheses may hold anything.
	after := strings.TrimSpace(string(data[bytes.LastIndexByte(data, ')')+1:]))
	switch after[:min(len(after), 1)] {
	case "T", "t":
		return "the process is stopped (SIGSTOP, or a debugger holds it)"
	case "D":
		return "the process waits for a disk or a network file system, and cannot be interrupted"
	case "Z":
		return "the process has ended"
	case "R":
		return "the process is running"
	case "S":
		return "the process is waiting"
	}
	return ""
}

func (p probe) silent(why string) error {
	return &control.Error{Code: control.CodeSilent, Message: fmt.Sprintf(
		"worker in slot %d (pid %d) %s; what is known without its help: %s", p.slot, p.pid, why, strings.Join(p.known(), "; "))}
}

// inspect carries an inspection out and writes what comes to w. It blocks as
// long as that takes, ends early with ctx, and asks nothing of the loop but the
// beginning. The error is a [*control.Error]; with data written before it, the
// data is incomplete.
func (d desk) inspect(ctx context.Context, slot int, what handoff.Inspection, w io.Writer) (pid int, err error) {
	p, err := ask(ctx, d, func(m *master) probe { return m.probe(slot, what) })
	if err != nil {
		return 0, err
	}
	if p.err != nil {
		return p.pid, p.err
	}
	defer func() { _ = p.ch.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = p.ch.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, handoff.MaxPiece+1)
	wait := inspectBegin
	for {
		// ctx may have ended since; its deadline must not be pushed back.
		if err := p.ch.SetDeadline(time.Now().Add(wait)); err != nil {
			return p.pid, err
		}
		if ctx.Err() != nil {
			return p.pid, gaveUp(ctx)
		}
		packet, err := p.ch.Recv(buf)
		switch {
		case ctx.Err() != nil:
			return p.pid, gaveUp(ctx)
		case errors.Is(err, os.ErrDeadlineExceeded) && wait == inspectBegin:
			return p.pid, p.silent("does not answer: it hangs or is stopped")
		case errors.Is(err, os.ErrDeadlineExceeded):
			return p.pid, p.silent("began to answer and stopped")
		case errors.Is(err, io.EOF):
			return p.pid, failedInspection(p, "it ended meanwhile")
		case err != nil:
			return p.pid, failedInspection(p, err.Error())
		}
		wait = what.For + inspectWork
		switch text := packet[1:]; handoff.Tag(packet[0]) {
		case handoff.TagData:
			if _, err := w.Write(text); err != nil {
				return p.pid, err // whoever asked is gone; the worker notices
			}
		case handoff.TagFailed:
			return p.pid, failedInspection(p, string(text))
		case handoff.TagDone:
			return p.pid, nil
		case handoff.TagBegun:
		}
	}
}

func failedInspection(p probe, why string) error {
	return &control.Error{Code: control.CodeFailed, Message: fmt.Sprintf("cannot inspect the worker in slot %d (pid %d): %s", p.slot, p.pid, why)}
}

// Stacks are the goroutines of the living worker in a slot.
func (d desk) Stacks(ctx context.Context, slot int) (control.Stacks, error) {
	began := time.Now()
	var text strings.Builder
	pid, err := d.inspect(ctx, slot, handoff.Inspection{What: handoff.InspectStacks}, &text)
	if err != nil {
		return control.Stacks{}, err
	}
	dump := autopsy.Group(text.String()).Without("worker.dumpStacks")
	return control.Stacks{
		Slot: slot, PID: pid, Time: began, Took: control.Sec(time.Since(began)),
		Goroutines: dump.Goroutines, Groups: dump.Groups(), Text: dump.Text(), Truncated: dump.Truncated,
	}, nil
}

// Profile writes a profile of the living worker in a slot to w: what pprof or
// go tool trace read.
func (d desk) Profile(ctx context.Context, slot int, kind string, seconds int, w io.Writer) error {
	what := handoff.Inspection{What: handoff.InspectionKind(kind)}
	switch what.What {
	case handoff.InspectCPU, handoff.InspectTrace:
		what.For = time.Duration(seconds) * time.Second
	case handoff.InspectHeap, handoff.InspectGoroutine:
	default:
		return &control.Error{Code: control.CodeUsage, Message: fmt.Sprintf("cannot profile %q: there are cpu, heap, goroutine and trace", kind)}
	}
	if what.For < 0 || what.For > handoff.MaxInspection {
		return &control.Error{Code: control.CodeUsage, Message: fmt.Sprintf("cannot profile for %s: at most %s", what.For, handoff.MaxInspection)}
	}
	_, err := d.inspect(ctx, slot, what, w)
	return err
}
