package supervisor

import (
	"github.com/webchasor/webchasor/internal/control"
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
