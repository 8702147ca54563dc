// Package tui is the live screen of `webchasor top`: the service, its workers
// and what is under way, looked at again every second, in any terminal from
// 80x24 on, also over ssh.
package tui

import (
	"context"
	"errors"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/webchasor/webchasor/internal/control"
)

// Master is what the screen asks; see internal/control/client.
type Master interface {
	Status(ctx context.Context) (control.Status, error)
	Requests(ctx context.Context, limit int) (control.Requests, error)
	Events(ctx context.Context, since uint64) (control.Events, error)
}

// Options of the screen.
type Options struct {
	In    io.Reader
	Out   io.Writer
	Every time.Duration // between two looks
}

// requestLimit is more than any screen holds.
const requestLimit = 200

// Run shows the screen until q is pressed or ctx ends. It takes the terminal
// and gives it back as it was.
func Run(ctx context.Context, m Master, o Options) error {
	if o.Every < 100*time.Millisecond {
		o.Every = 100 * time.Millisecond
	}
	program := tea.NewProgram(newScreen(ctx, m, o.Every), tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(o.Out))
	_, err := program.Run()
	if errors.Is(err, tea.ErrInterrupted) || ctx.Err() == context.Canceled {
		return nil // Ctrl-C is how one leaves
	}
	return err
}

// look is one answer of the master, or why there was none.
type look struct {
	status   control.Status
	requests control.Requests
	events   []control.Event
	seq      uint64
	err      error
}

// again says that it is time for another look.
type again struct{}

// ask is the command that fetches a look.
func (s screen) ask() tea.Msg {
	ctx, cancel := context.WithTimeout(s.ctx, 5*time.Second)
	defer cancel()
	var l look
	if l.status, l.err = s.master.Status(ctx); l.err != nil {
		return l
	}
	if l.requests, l.err = s.master.Requests(ctx, requestLimit); l.err != nil {
		return l
	}
	e, err := s.master.Events(ctx, s.seq)
	l.events, l.seq, l.err = e.Events, e.Seq, err
	return l
}

func (s screen) later() tea.Cmd {
	return tea.Tick(s.every, func(time.Time) tea.Msg { return again{} })
}
