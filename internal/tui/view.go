package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/show"
)

// Attributes that every terminal has; colour says nothing that a word does not.
const (
	bold    = "\x1b[1m"
	reverse = "\x1b[7m"
	red     = "\x1b[31m"
	plain   = "\x1b[0m"
)

// View is the whole screen.
func (s screen) View() tea.View {
	v := tea.NewView(strings.Join(s.lines(), "\n"))
	v.AltScreen = true
	return v
}

// lines are exactly as many as the terminal has, none wider than it.
func (s screen) lines() []string {
	if !s.looked {
		text := "asking the master ..."
		if s.err != nil {
			text = "no answer yet: " + s.err.Error()
		}
		return s.fill([]string{show.Cut(text, s.width)})
	}
	if s.help {
		var lines []string
		for _, line := range help {
			lines = append(lines, show.Cut(line, s.width))
		}
		return s.fill(lines)
	}
	var lines []string
	for i, line := range show.Summary(s.status) {
		line = show.Cut(line, s.width)
		switch {
		case i == 0 && s.status.Health.State != control.HealthOK:
			line = red + bold + line + plain
		case i == 0:
			line = bold + line + plain
		}
		lines = append(lines, line)
	}
	for _, w := range s.status.Warnings {
		lines = append(lines, red+show.Cut("! "+w.Text, s.width)+plain)
	}
	// Half of what is left is for the workers, if there is more than fits.
	room := s.height - len(lines) - 3
	below := s.below()
	forWorkers := max(room-len(below), room/2, 2)
	lines = append(lines, s.workers(forWorkers)...)
	lines = append(lines, "")
	lines = append(lines, below...)
	return s.fill(lines)
}

// workers is the table, scrolled.
func (s screen) workers(room int) []string {
	table := show.Workers(s.status, s.width)
	head, rows := s.head(table[0]), table[1:]
	visible := max(room-1, 1)
	first := min(s.scroll, max(len(rows)-visible, 0))
	rows = rows[first:min(first+visible, len(rows))]
	lines := []string{head}
	for _, row := range rows {
		lines = append(lines, show.Cut(row, s.width))
	}
	return lines
}

func (s screen) head(text string) string {
	text = show.Cut(text, s.width)
	return reverse + text + strings.Repeat(" ", max(s.width-len([]rune(text)), 0)) + plain
}

// below is the panel: requests, or events with the newest first.
func (s screen) below() []string {
	if s.panel == panelEvents {
		lines := []string{s.head("EVENTS, the newest first")}
		for _, v := range slices.Backward(s.events) {
			lines = append(lines, show.Cut(show.EventLine(v)[len("2006-01-02 "):], s.width))
		}
		return lines
	}
	if len(s.requests.Requests) == 0 {
		return []string{s.head("REQUESTS under way: none")}
	}
	lines := show.RequestLines(s.requests, s.width)
	lines[0] = s.head(lines[0])
	return lines
}

// fill cuts or fills up to the height; the last line says what the keys do.
func (s screen) fill(lines []string) []string {
	most := max(s.height-1, 1)
	lines = lines[:min(len(lines), most)]
	for len(lines) < most {
		lines = append(lines, "")
	}
	direction := ""
	if s.reverse {
		direction = " reversed"
	}
	foot := fmt.Sprintf("q quit  s sort (%s%s)  r reverse  tab requests/events  j/k scroll  h help", orders[s.order].name, direction)
	if s.looked && s.err != nil {
		foot = "no answer since " + s.status.Time.Local().Format("15:04:05") + ": " + s.err.Error()
	}
	return append(lines, bold+show.Cut(foot, s.width)+plain)
}

var help = []string{
	"q, Esc, Ctrl-C   quit",
	"s, S             sort the workers by the next, the previous column",
	"r                the other way round",
	"Tab              requests under way, or what happened lately",
	"j, k, arrows     scroll the workers",
	"h                this help",
	"",
	"CONN connections   BUSY requests under way   OLDEST age of the oldest of them",
	"REQ/S, P50, P99, CPU are over the last 10 to 15 seconds",
	"MEM proportional share of memory (PSS)   ENDED workers that this slot has had",
	"QUIET time since a request last moved a byte",
}
