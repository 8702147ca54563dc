package show

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/webchasor/webchasor/internal/control"
)

// Requests writes what is under way, the oldest first.
func Requests(w io.Writer, r control.Requests) error {
	if len(r.Requests) == 0 {
		_, err := io.WriteString(w, "no request is under way\n")
		return err
	}
	lines := RequestLines(r, 0)
	if r.Omitted > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", r.Omitted))
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// RequestLines is the table of requests; its first line is the head. A width
// above 0 cuts paths to fit.
func RequestLines(r control.Requests, width int) []string {
	t := table{head: []column{
		right("SLOT"), right("PID"), right("AGE"), right("QUIET"), right("BYTES"), left("STATE"), left("CLIENT"), left("REQUEST"),
	}}
	for _, q := range r.Requests {
		what := strings.TrimSpace(q.Method + " " + q.Path)
		if what == "" {
			what = "(being read)"
		}
		t.add(strconv.Itoa(q.Slot), strconv.Itoa(q.PID), Age(q.Age), Age(q.Quiet), Bytes(int64(q.Bytes)),
			q.State, Cut(q.Client, 48), Cut(what, 150))
	}
	lines := t.lines()
	for i := range lines {
		if width > 0 {
			lines[i] = Cut(lines[i], width)
		}
	}
	return lines
}

// Event writes one event in one line.
func Event(w io.Writer, e control.Event) error {
	_, err := io.WriteString(w, EventLine(e)+"\n")
	return err
}

// EventLine is one event.
func EventLine(e control.Event) string {
	who := ""
	if e.Slot != nil {
		who = fmt.Sprintf("slot %d ", *e.Slot)
	}
	if e.PID != 0 {
		who += fmt.Sprintf("pid %d ", e.PID)
	}
	line := fmt.Sprintf("%s  %-8s %s%s", e.Time.Local().Format("2006-01-02 15:04:05.000"), e.Kind, who, Cut(e.Text, 500))
	if e.Death != "" {
		line += "  (deaths show " + e.Death + ")"
	}
	return line
}

// Deaths writes the records that are kept, the newest first.
func Deaths(w io.Writer, d control.Deaths) error {
	if len(d.Deaths) == 0 {
		_, err := fmt.Fprintf(w, "no worker has died (records would be in %s)\n", d.Dir)
		return err
	}
	t := table{head: []column{left("WHEN"), right("SLOT"), right("PID"), left("CAUSE"), right("LOST"), left("CULPRIT"), left("ID")}}
	for _, k := range d.Deaths {
		culprit := k.Culprit
		if culprit == "" {
			culprit = "-"
		}
		t.add(k.Time.Local().Format("2006-01-02 15:04:05"), strconv.Itoa(k.Slot), strconv.Itoa(k.PID), k.Cause, strconv.Itoa(k.Lost), Cut(culprit, 40), k.ID)
	}
	return t.write(w)
}

// Plan writes what a reload would do.
func Plan(w io.Writer, p control.Plan) error {
	var b strings.Builder
	if len(p.Changes) == 0 {
		b.WriteString("no setting changes; a reload replaces the workers all the same\n")
	}
	t := table{head: []column{left("SETTING"), left("FROM"), left("TO"), left("TAKES")}}
	for _, c := range p.Changes {
		t.add(c.Name, Cut(orNone(c.Old), 40), Cut(orNone(c.New), 40), classes[c.Class])
	}
	if len(p.Changes) > 0 {
		_ = t.write(&b)
	}
	for _, warning := range p.Warnings {
		b.WriteString("! " + warning + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// classes says what a change needs.
var classes = map[string]string{
	"hot":     "hot: the master applies it, no worker needs it",
	"rolling": "rolling: workers are replaced one by one",
	"upgrade": "upgrade: stays as it is until webchasor upgrade or a restart",
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// Stacks writes the goroutines of a worker, grouped.
func Stacks(w io.Writer, s control.Stacks) error {
	var b strings.Builder
	fmt.Fprintf(&b, "slot %d, pid %d: %d goroutines in %d groups\n", s.Slot, s.PID, s.Goroutines, len(s.Groups))
	for _, g := range s.Groups {
		fmt.Fprintf(&b, "\n%d x %s", g.Count, g.State)
		if g.Created != "" {
			fmt.Fprintf(&b, ", created by %s", g.Created)
		}
		b.WriteString("\n")
		for _, frame := range g.Frames {
			b.WriteString("    " + frame + "\n")
		}
	}
	if s.Truncated {
		b.WriteString("\n(the dump was longer)\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
