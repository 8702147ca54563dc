package tui

import (
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/webchasor/webchasor/internal/control"
)

// screen is the state of the live screen. It is a value: every message makes a new one.
type screen struct {
	ctx    context.Context
	master Master
	every  time.Duration

	width, height int
	status        control.Status
	requests      control.Requests
	events        []control.Event // the newest last
	seq           uint64
	looked        bool
	err           error // of the latest look

	order   int // index into orders
	reverse bool
	panel   panel
	scroll  int // of the workers
	help    bool
}

// panel is what is shown below the workers.
type panel int

const (
	panelRequests panel = iota
	panelEvents
)

// eventRoom is how many events are kept for the panel.
const eventRoom = 100

func newScreen(ctx context.Context, m Master, every time.Duration) screen {
	return screen{ctx: ctx, master: m, every: every, width: 80, height: 24}
}

// Init asks for the first look.
func (s screen) Init() tea.Cmd { return s.ask }

// Update applies a message.
func (s screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = msg.Width, msg.Height
	case look:
		s = s.seen(msg)
		return s, s.later()
	case again:
		return s, s.ask
	case tea.KeyPressMsg:
		return s.key(msg.String())
	}
	return s, nil
}

// seen takes a look in. After a failed one the last picture stays, and says so.
func (s screen) seen(l look) screen {
	s.err = l.err
	if l.err != nil {
		return s
	}
	s.looked = true
	s.status, s.requests, s.seq = l.status, l.requests, l.seq
	s.events = append(slices.Clone(s.events), l.events...)
	if extra := len(s.events) - eventRoom; extra > 0 {
		s.events = s.events[extra:]
	}
	s.sort()
	return s
}

// key acts on a key.
func (s screen) key(name string) (tea.Model, tea.Cmd) {
	switch name {
	case "q", "ctrl+c", "esc":
		return s, tea.Quit
	case "s", "right", ">":
		s.order = (s.order + 1) % len(orders)
	case "S", "left", "<":
		s.order = (s.order + len(orders) - 1) % len(orders)
	case "r":
		s.reverse = !s.reverse
	case "tab", "e":
		s.panel = (s.panel + 1) % 2
	case "down", "j":
		s.scroll++
	case "up", "k":
		s.scroll = max(s.scroll-1, 0)
	case "home", "g":
		s.scroll = 0
	case "h", "?":
		s.help = !s.help
	}
	s.sort()
	return s, nil
}
