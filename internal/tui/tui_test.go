package tui

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/webchasor/webchasor/internal/control"
)

// busy is a service with many workers, many requests and much to say.
func busy(workers int) look {
	l := look{status: control.Status{
		Name: "webchasor", Version: "v1.2.3", PID: 4711, Health: control.Health{State: control.HealthDegraded, Reasons: []string{strings.Repeat("reason ", 30)}},
		Phase: control.PhaseServing, Wanted: workers, Ready: workers,
		Listeners: []control.Listener{{Address: "127.0.0.1:8000", Depth: 3, Deepest: 2, Backlog: 2048}},
		Warnings:  []control.Warning{{Text: strings.Repeat("warning ", 30)}},
	}}
	for i := range workers {
		l.status.Workers = append(l.status.Workers, control.Worker{
			Slot: i, PID: 1000 + i, State: control.StateReady, InFlight: i, CPU: float64(workers - i), Age: 3600,
			PSS: 100 << 20, Traffic: control.Traffic{Requests: 1_234_567, Rate: 999, P99: 12.3},
		})
	}
	for i := range 50 {
		l.requests.Requests = append(l.requests.Requests, control.Request{
			Slot: i, PID: 1000 + i, Method: "POST", Path: "/v1/chat/completions" + strings.Repeat("/x", 60),
			Client: "[2001:db8::1]:50000\x1b[2J", Age: 12.5, State: "streaming",
		})
		l.events = append(l.events, control.Event{Seq: uint64(i + 1), Kind: control.KindReady, Text: fmt.Sprintf("event %d", i), Time: time.Now()})
	}
	l.seq = 50
	return l
}

var sgr = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// drawn is the screen without attributes.
func drawn(t *testing.T, s tea.Model) []string {
	t.Helper()
	return strings.Split(sgr.ReplaceAllString(s.View().Content, ""), "\n")
}

func press(s tea.Model, keys ...tea.KeyPressMsg) tea.Model {
	for _, k := range keys {
		s, _ = s.Update(k)
	}
	return s
}

func letter(r rune) tea.KeyPressMsg { return tea.KeyPressMsg{Code: r, Text: string(r)} }

func TestScreenFitsAnyTerminal(t *testing.T) {
	t.Parallel()
	for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 200, Height: 60}, {Width: 40, Height: 10}, {Width: 1, Height: 1}} {
		for _, workers := range []int{0, 1, 64} {
			var s tea.Model = newScreen(context.Background(), nil, time.Second)
			s, _ = s.Update(size)
			s, _ = s.Update(busy(workers))
			for _, key := range []rune{' ', 'e', 'h'} {
				s = press(s, letter(key))
				lines := drawn(t, s)
				if want := max(size.Height, 2); len(lines) != want {
					t.Errorf("%dx%d, %d workers: %d lines", size.Width, size.Height, workers, len(lines))
				}
				for _, line := range lines {
					if n := len([]rune(line)); n > size.Width {
						t.Errorf("%dx%d: %d characters in %q", size.Width, size.Height, n, line)
					}
					if strings.ContainsRune(line, '\x1b') {
						t.Errorf("a client's text moves the cursor: %q", line)
					}
				}
			}
		}
	}
}

func TestScreenShowsWorkersAndRequestsIn80x24(t *testing.T) {
	t.Parallel()
	var s tea.Model = newScreen(context.Background(), nil, time.Second)
	s, _ = s.Update(busy(4))
	text := strings.Join(drawn(t, s), "\n")
	for _, want := range []string{"DEGRADED", "SLOT", "1003", "REQUEST", "POST", "q quit"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the screen:\n%s", want, text)
		}
	}
	s = press(s, letter('e'))
	if text := strings.Join(drawn(t, s), "\n"); !strings.Contains(text, "event 49") {
		t.Errorf("the newest event is not on the screen:\n%s", text)
	}
}

func TestScreenSortsAndScrolls(t *testing.T) {
	t.Parallel()
	first := func(s tea.Model) int { return s.(screen).status.Workers[0].Slot }
	var s tea.Model = newScreen(context.Background(), nil, time.Second)
	s, _ = s.Update(busy(9))
	if first(s) != 0 {
		t.Errorf("slot %d is first by slot", first(s))
	}
	s = press(s, letter('s')) // busy: the largest first
	if first(s) != 8 {
		t.Errorf("slot %d is first by load, want the busiest", first(s))
	}
	s = press(s, letter('r'))
	if first(s) != 0 {
		t.Errorf("slot %d is first the other way round", first(s))
	}
	s, _ = s.Update(busy(9))
	if first(s) != 0 {
		t.Error("the next look forgets the order")
	}
	s = press(s, letter('j'), letter('j'))
	if rows := strings.Join(drawn(t, s), "\n"); !strings.Contains(rows, "1008") && strings.Contains(rows, "1000 ready") {
		t.Errorf("it does not scroll:\n%s", rows)
	}
}

func TestScreenKeepsThePictureWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	var s tea.Model = newScreen(context.Background(), nil, time.Second)
	s, _ = s.Update(look{err: errors.New("nobody there")})
	if text := strings.Join(drawn(t, s), "\n"); !strings.Contains(text, "nobody there") {
		t.Errorf("the first look failed, and the screen says:\n%s", text)
	}
	s, _ = s.Update(busy(2))
	s, _ = s.Update(look{err: errors.New("gone away")})
	text := strings.Join(drawn(t, s), "\n")
	if !strings.Contains(text, "gone away") || !strings.Contains(text, "1001") {
		t.Errorf("a later look failed, and the screen says:\n%s", text)
	}
	if s, _ = s.Update(busy(2)); strings.Contains(strings.Join(drawn(t, s), "\n"), "gone away") {
		t.Error("it still complains when the master answers again")
	}
}

func TestKeysThatLeave(t *testing.T) {
	t.Parallel()
	for _, key := range []tea.KeyPressMsg{letter('q'), {Code: 'c', Mod: tea.ModCtrl}, {Code: tea.KeyEscape}} {
		_, do := newScreen(context.Background(), nil, time.Second).Update(key)
		if do == nil {
			t.Errorf("%s does not leave", key)
			continue
		}
		if _, ok := do().(tea.QuitMsg); !ok {
			t.Errorf("%s does not leave", key)
		}
	}
}
