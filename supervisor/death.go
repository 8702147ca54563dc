package supervisor

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/autopsy"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// exited is the end of a worker: the evidence is gathered while its scoreboard
// and crash memory still exist, the cause is named, and the core is told.
func (m *master) exited(h exited) {
	c := m.children[h.id]
	if c == nil {
		return
	}
	delete(m.children, h.id)
	m.departed = c // the core's notes about this death come when it has left the table
	defer c.release()
	m.unseat(c)
	m.traffic.stale = true
	m.traffic.gone += c.board.Snapshot().Opened

	evidence := m.evidence(c, h.state)
	verdict := autopsy.Classify(evidence)
	m.claims.Settle(evidence, verdict)
	m.enterDeath(c, h, verdict)
	m.report(c, h, verdict, evidence)
	m.closePortWhenLeft()

	m.step(fleet.Exited{
		ID: h.id, Code: evidence.Code,
		Outside: verdict.Outside,
		Detail:  epitaph(c, verdict),
		Roll:    rand.Float64(),
	})
}

// epitaph is the death in one line. A failed boot is told in the worker's own
// last words, whatever status it ended with.
func epitaph(c *child, v autopsy.Verdict) string {
	words := c.words.Lines()
	if !c.ready.IsZero() || len(words) == 0 {
		return v.Sentence
	}
	last := strings.TrimSpace(words[len(words)-1])
	if last == "" || c.failed != "" || strings.Contains(v.Sentence, last) {
		return v.Sentence
	}
	return v.Sentence + ": " + last
}

// exitOf splits a wait status: exit code, or -1 and the signal.
func exitOf(state *os.ProcessState) (code int, sig syscall.Signal) {
	if state == nil {
		return -1, 0
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return -1, status.Signal()
	}
	return state.ExitCode(), 0
}

// report tells of an end: in the log, as an event, and with a record if it was
// abnormal. The record's files are written after the loop has gone on.
func (m *master) report(c *child, h exited, v autopsy.Verdict, e autopsy.Evidence) {
	fields := c.fields(
		zap.String("cause", string(v.Cause)),
		zap.String("detail", v.Sentence),
		zap.Duration("uptime", h.at.Sub(c.started).Round(time.Millisecond)),
	)
	record := m.record(c, h, v, e)
	if !v.Abnormal {
		if n := record.Lost(); n > 0 { // a quick stop, or a drain that ran out of time
			fields = append(fields, zap.Int("requests_lost", n))
		}
		m.log.Info("worker exited", fields...)
		m.jot(control.KindExit, c, v.Sentence, "cause", string(v.Cause))
		m.accountLost(c, record)
		return
	}
	record.Seen = m.blame(c, record)
	brief := record.Brief()
	m.lastDeaths[c.slot] = &brief
	m.jotDeath(brief)
	m.log.Error("worker died", append(append(fields,
		zap.String("record", m.deaths.Path(record)),
		zap.Int("requests_lost", record.Lost()),
	), noStacks(v)...)...)
	m.logLost(c, record)
	m.logClosed(c, record)
	m.bury(c, record)
}

// jotDeath adds the death to the journal, with the name of its record.
func (m *master) jotDeath(d control.Death) {
	slot := d.Slot
	e := control.Event{
		Time: d.Time, Kind: control.KindDeath, Slot: &slot, PID: d.PID, Text: d.Text, Death: d.ID,
		Fields: map[string]string{"cause": d.Cause, "requests_lost": strconv.Itoa(d.Lost)},
	}
	if d.Culprit != "" {
		e.Fields["culprit"] = d.Culprit
	}
	m.journal.Add(e)
}

// noStacks says in the line of a death why no stacks follow it.
func noStacks(v autopsy.Verdict) []zap.Field {
	if v.NoStacks == "" {
		return nil
	}
	return []zap.Field{zap.String("stacks", v.NoStacks)}
}

// logStacks shows the stacks that matter most; the record has them all.
func logStacks(log *zap.Logger, r autopsy.Record) {
	const most = 3
	for _, s := range r.Telling(most) {
		log.Error("stack of the dead worker",
			zap.Int("goroutines", s.Count), zap.String("state", s.State), zap.Strings("frames", s.Frames))
	}
	if left := len(r.Stacks.Stacks) - most; left > 0 {
		log.Error("more stacks; see the record", zap.Int("different", left), zap.String("record", r.ID()))
	}
}

// bury hands the slow part over: the stacks, the files, the access lines. The
// crash memory goes along.
func (m *master) bury(c *child, r autopsy.Record) {
	crash := c.crash
	c.crash = -1
	store, log, full := m.deaths, m.log.With(c.fields()...), r // the loop goes on with its own copy
	written := m.undertaker.submit(func() {
		full.Stacks = autopsy.Group(readCrash(crash, crashLimit))
		_ = sys.CloseFD(crash)
		logStacks(log, full)
		if _, err := store.Write(full); err != nil && !errors.Is(err, autopsy.ErrStillFailing) {
			log.Warn("trouble with the records of deaths", zap.Error(err))
		}
	})
	if !written {
		_ = sys.CloseFD(crash)
		m.log.Warn("a record is lost: the disk is too slow for so many deaths", c.fields(zap.String("record", r.ID()))...)
	}
	m.accountLost(c, r)
}
