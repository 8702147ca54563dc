package supervisor

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// stopping is a master that told a worker and its own to stop some time ago.
func stopping(t *testing.T, since time.Duration, children ...*child) (*master, socket) {
	t.Helper()
	sock, _ := listening(t, "127.0.0.1:0")
	m := &master{
		log: zap.NewNop(), clock: sys.NewClock(), sockets: []socket{sock},
		stopping: true, stopAt: time.Now().Add(-since), children: map[fleet.ID]*child{},
		current: &config.Resolved{Settings: config.Settings{GracefulTimeout: time.Minute}},
	}
	for i, c := range children {
		fd, board, err := scoreboard.Create(scoreboard.Options{Entries: 1})
		if err != nil {
			t.Fatal(err)
		}
		_ = sys.CloseFD(fd)
		board.Beat(m.clock.Now())
		c.board = board
		m.children[fleet.ID(i+1)] = c
	}
	return m, sock
}

func TestStopClosesThePortWhenTheQueueIsEmpty(t *testing.T) {
	// The second one drains streams of an earlier generation: it holds nothing and says nothing.
	m, sock := stopping(t, 0, &child{awaited: true}, &child{})
	m.closePortWhenLeft()
	if !answers(sock) {
		t.Fatal("the port is closed before the queue is empty")
	}
	m.upgrading = true
	m.portClosed(1)
	if !answers(sock) {
		t.Fatal("the port is closed although it may be a new master's already")
	}
	m.upgrading = false
	m.closePortWhenLeft()
	if answers(sock) {
		t.Error("the port is open although all have let go")
	}
}

// A full worker has its own budget for those who wait; the master waits as
// long as it lives, and not for one that does not.
func TestStopWaitsForAWorkerThatLives(t *testing.T) {
	budget := handoff.SweepBudget(time.Minute)
	tests := map[string]struct {
		since, silent time.Duration
		open          bool
	}{
		"just stopped":         {0, 0, true},
		"silent before":        {0, time.Minute, true},
		"works on its queue":   {budget, 0, true},
		"silent":               {silentSweep, silentSweep, false},
		"silent since a while": {budget / 2, silentSweep, false},
		"only beats":           {budget + sweepMargin, 0, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			worker := &child{awaited: true}
			m, _ := stopping(t, tt.since, worker)
			worker.board.Beat(m.clock.Now() - tt.silent)
			m.closePortWhenLeft()
			if open := len(m.sockets) > 0; open != tt.open {
				t.Errorf("open: %v, want %v", open, tt.open)
			}
		})
	}
}

// While those who came before are answered, newcomers are not queued behind them.
func TestStopKeepsNewcomersOut(t *testing.T) {
	m, sock := stopping(t, handoff.SweepTime, &child{awaited: true})
	for range 2 { // one is let in by a backlog of nothing
		if !answers(sock) {
			t.Fatal("no connection")
		}
	}
	m.closePortWhenLeft()
	_, limit, err := sys.QueueDepth(sock.FDs[0])
	if err != nil || limit != 0 {
		t.Errorf("a backlog of %d is left, %v", limit, err)
	}
}
