package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/sys"
)

// progress is how far a booting master has come. It tells the one that it is to
// follow, which answers the control socket until then: one packet each, on a
// channel of their own, where nothing that matters can be behind a full queue.
type progress struct {
	PID, Ready, Wanted int
	Trouble            string `json:",omitempty"` // why a worker did not get ready
}

// text is for people.
func (p progress) text() string {
	if p.Trouble != "" {
		return fmt.Sprintf("new master pid %d: %s", p.PID, p.Trouble)
	}
	return fmt.Sprintf("new master pid %d: %d of %d workers are ready", p.PID, p.Ready, p.Wanted)
}

// progressed: the new master has told how far it is.
type progressed struct{ progress }

func (h progressed) apply(m *master) {
	if !m.upgrading {
		return
	}
	if h.Trouble != "" {
		m.promotion.trouble = h.Trouble
	}
	m.log.Info(h.text())
	m.jot(control.KindUpgrade, nil, h.text(),
		"master_pid", strconv.Itoa(h.PID), "ready", strconv.Itoa(h.Ready), "wanted", strconv.Itoa(h.Wanted))
}

// openProgress makes the channel. far is for the new master, and the caller's to
// close. told is closed when that one has nothing more to say: it serves, or is gone.
func (m *master) openProgress() (far int, told <-chan struct{}, err error) {
	near, far, err := sys.ControlPair()
	if err != nil {
		return -1, nil, err
	}
	ch, err := sys.NewChannel(near)
	if err != nil {
		return -1, nil, errors.Join(err, sys.CloseFD(near), sys.CloseFD(far))
	}
	if err := sys.SetNonblock(far); err != nil {
		return -1, nil, errors.Join(err, ch.Close(), sys.CloseFD(far))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer ch.Close()
		m.readProgress(ch)
	}()
	return far, done, nil
}

func (m *master) readProgress(ch *sys.Channel) {
	buf := make([]byte, sys.MaxPacket) // untouched pages cost nothing
	for {
		packet, err := ch.Recv(buf)
		if err != nil {
			return // the end, as a rule; what is lost is only news
		}
		var p progress
		if json.Unmarshal(packet, &p) != nil {
			continue
		}
		select {
		case m.happenings <- progressed{p}:
		case <-m.gone:
			return
		}
	}
}

// tellProgress tells the previous master, while this one does not serve yet. It never
// waits: there is more to tell when the next worker is ready.
func (m *master) tellProgress(trouble string) {
	if m.inherited.progress == nil {
		return
	}
	p := progress{PID: os.Getpid(), Wanted: m.wanted(m.fleet.View()), Trouble: trouble}
	for _, c := range m.children {
		if !c.ready.IsZero() {
			p.Ready++
		}
	}
	packet, err := json.Marshal(p)
	if err == nil {
		err = sys.SendFDs(*m.inherited.progress, packet)
	}
	if err != nil {
		m.log.Debug("cannot tell the previous master how far this one is", zap.Error(err))
	}
}

// endProgress says that there is nothing more to tell.
func (m *master) endProgress() {
	if fd := m.inherited.progress; fd != nil {
		m.inherited.progress = nil
		_ = sys.CloseFD(*fd)
	}
}
