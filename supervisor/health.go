package supervisor

import (
	"fmt"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// healthOf judges a status. Up to now it has everything but health and warnings.
func healthOf(s *control.Status) control.Health {
	h := control.Health{State: control.HealthOK}
	worse := func(to control.HealthState, format string, args ...any) {
		if h.State != control.HealthDown {
			h.State = to
		}
		h.Reasons = append(h.Reasons, fmt.Sprintf(format, args...))
	}
	switch {
	case s.Phase == control.PhaseParked:
		worse(control.HealthDown, "the workers were drained; a reload or a scale brings them back")
	case s.Phase == control.PhaseStopping:
		worse(control.HealthDegraded, "the service is stopping")
	case s.Ready == 0:
		worse(control.HealthDown, "no worker is ready")
	case s.Ready < s.Wanted:
		worse(control.HealthDegraded, "%d of %d workers are ready", s.Ready, s.Wanted)
	}
	silent := slotsIn(s, control.StateSuspect, control.StateHung)
	switch {
	case len(silent) > 0 && len(silent) >= s.Ready:
		worse(control.HealthDown, "no ready worker gives a sign of life")
	case len(silent) > 0:
		worse(control.HealthDegraded, "no sign of life from the worker of slot %s", join(silent))
	}
	return h
}

func slotsIn(s *control.Status, states ...control.WorkerState) (slots []int) {
	for _, w := range s.Workers {
		for _, state := range states {
			if w.State == state {
				slots = append(slots, w.Slot)
			}
		}
	}
	return slots
}

func join(numbers []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ", "), "[]")
}

// warnings are what an operator should look at now.
func (m *master) warnings(s *control.Status, v fleet.View, now time.Time) []control.Warning {
	var all []control.Warning
	warn := func(kind, format string, args ...any) {
		all = append(all, control.Warning{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	if r := s.Reload; r != nil && !r.OK() && r.Outcome != control.OutcomeCalledOff {
		warn("reload", "the last reload was %s: %s", strings.ReplaceAll(string(r.Outcome), "_", " "), r.Text)
	}
	if r := s.Upgrade; r != nil && !r.OK() && r.Outcome != control.OutcomeCalledOff {
		warn("upgrade", "the last %s was %s: %s", r.Order, r.Outcome, r.Text)
	}
	for _, slot := range v.Slots {
		if wait := slot.Until.Sub(now); slot.Failures > 0 && wait > 0 {
			warn("backoff", "slot %d: %d early deaths in a row, the next try is in %s", slot.Index, slot.Failures, wait.Round(100*time.Millisecond))
		}
	}
	if full := slotsIn(s, control.StateFull); len(full) > 0 {
		warn("full", "%d of %d workers hold all the connections they may (slot %s): raise worker_connections or add workers", len(full), s.Wanted, join(full))
	}
	for _, l := range s.Listeners {
		if l.Backlog > 0 && 4*l.Deepest >= 3*l.Backlog {
			warn("backlog", "%s: %d connections wait in a queue of %d: raise backlog and net.core.somaxconn, or add workers", l.Address, l.Deepest, l.Backlog)
		}
	}
	for _, c := range m.waitsForUpgrade {
		warn("upgrade-needed", "%s = %s waits for an upgrade; %s stays until then", c.Name, c.New, c.Old)
	}
	if m.logLevel != "" {
		warn("log-level", "the log level is %s until the next reload; the setting says %s", m.logLevel, m.current.Settings.LogLevel)
	}
	if m.tls.rejected != "" {
		warn("tls", "the certificates that are there now are not in use, the old ones are: %s", m.tls.rejected)
	}
	if m.speaksTLS() {
		for _, w := range m.tls.loaded.Warnings(now) {
			warn("tls", "%s", w)
		}
	}
	for _, hint := range m.current.Hints {
		warn("configuration", "%s", hint)
	}
	return all
}
