package supervisor

import (
	"fmt"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/supervisor/fleet"
)

// known finds a worker that lives, or the one whose death is being told.
func (m *master) known(id fleet.ID) *child {
	if c := m.children[id]; c != nil {
		return c
	}
	if m.departed != nil && m.departed.id == id {
		return m.departed
	}
	return nil
}

// note turns the core's observations into log lines.
func (m *master) note(n fleet.Note) {
	var fields []zap.Field
	pid := 0
	if c := m.known(n.ID); c != nil {
		fields, pid = c.fields(), c.pid
	} else if n.ID != 0 {
		fields = append(fields, zap.Int("worker_slot", n.Slot))
	}
	if n.Detail != "" {
		fields = append(fields, zap.String("detail", n.Detail))
	}
	m.jotNote(n)
	switch n.Kind {
	case fleet.NoteTimeout:
		// The guide's words: operators grep for them.
		m.log.Error(fmt.Sprintf("Worker timeout (pid:%d)", pid), fields...)
	case fleet.NoteSuspect:
		m.log.Warn("worker is silent", fields...)
	case fleet.NoteRecovered:
		m.log.Info("worker answers again", fields...)
	case fleet.NoteBootFailed:
		m.log.Error("worker did not get ready", fields...)
		m.tellProgress(fmt.Sprintf("the worker of slot %d did not get ready: %s", n.Slot, n.Detail))
	case fleet.NoteBackoff:
		m.log.Warn("respawn delayed", fields...)
	case fleet.NoteSlept:
		m.log.Warn("the master was suspended; nobody is blamed for the gap", fields...)
	case fleet.NoteRefused:
		m.refused = n.Detail
		m.log.Warn("cannot do that now", fields...)
	default:
		m.log.Info(string(n.Kind), fields...)
	}
}
