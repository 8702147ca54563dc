package supervisor

import (
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// jot adds an event to the journal. c is the worker that it is about, or nil;
// pairs are names and values of fields.
func (m *master) jot(kind control.Kind, c *child, text string, pairs ...string) {
	e := control.Event{Kind: kind, Text: text}
	if c != nil {
		slot := c.slot
		e.Slot, e.PID = &slot, c.pid
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if e.Fields == nil {
			e.Fields = make(map[string]string, len(pairs)/2)
		}
		e.Fields[pairs[i]] = pairs[i+1]
	}
	m.journal.Add(e)
}

// noted are the core's observations as events. What is refused is answered to
// whoever asked, and is an event because it may have been a signal.
var noted = map[fleet.NoteKind]struct {
	kind control.Kind
	text string
}{
	fleet.NoteSuspect:    {control.KindSuspect, "the worker is silent"},
	fleet.NoteRecovered:  {control.KindRecover, "the worker answers again"},
	fleet.NoteTimeout:    {control.KindTimeout, "worker timeout"},
	fleet.NoteBootFailed: {control.KindBoot, "the worker did not get ready"},
	fleet.NoteBackoff:    {control.KindBackoff, "the respawn is delayed"},
	fleet.NoteSlept:      {control.KindSlept, "the master was suspended; nobody is blamed for the gap"},
	fleet.NoteRefused:    {control.KindRefused, "cannot do that now"},
}

func (m *master) jotNote(n fleet.Note) {
	as, ok := noted[n.Kind]
	if !ok {
		return
	}
	e := control.Event{Kind: as.kind, Text: as.text}
	if n.Detail != "" {
		e.Text += ": " + n.Detail
	}
	if n.ID != 0 {
		e.Slot = &n.Slot
	}
	if c := m.known(n.ID); c != nil {
		e.PID = c.pid
	}
	m.journal.Add(e)
}
