package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/machine"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// flushWait bounds the wait for a dead worker's last output: a grandchild may
// hold the pipe open for as long as it likes.
const flushWait = 200 * time.Millisecond

// watchChild starts the goroutines that wait on a worker: its reports, its
// output, its end. They end with the process.
func (m *master) watchChild(c *child, output *os.File) {
	reports := make(chan struct{})
	words := make(chan struct{})
	go func() {
		defer close(reports)
		m.readReports(c.id, c.control)
	}()
	log := m.log.With(c.fields()...)
	// A worker that writes more than the log takes is slowed down by its pipe,
	// and cannot push the master's own lines out.
	patient := m.patient.With(c.fields()...)
	go func() {
		defer close(words)
		defer output.Close()
		c.words.pump(output, func(line string) { patient.Warn("worker output", zap.String("line", line)) })
	}()
	go func() {
		state, err := c.proc.Wait()
		at, pressure := time.Now(), machine.ReadPressure()
		if err != nil {
			log.Error("cannot wait for worker", zap.Error(err))
		}
		// Reports and words written before the end come before the end.
		within(flushWait, reports, words)
		m.happenings <- exited{id: c.id, state: state, at: at, pressure: pressure}
	}()
}

// within waits until every channel is closed, but no longer than limit in all.
func within(limit time.Duration, all ...<-chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for _, done := range all {
		select {
		case <-done:
		case <-ctx.Done(): // closed, so it ends the later waits too
		}
	}
}

// readReports passes a worker's packets on until the channel ends.
func (m *master) readReports(id fleet.ID, ch *sys.Channel) {
	buf := make([]byte, sys.MaxPacket) // untouched pages cost nothing
	for {
		packet, err := ch.Recv(buf)
		if err != nil {
			// Closed: the loop has let go of a worker that is gone.
			if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
				m.log.Warn("lost the control channel of a worker", zap.Uint64("worker", uint64(id)), zap.Error(err))
			}
			return
		}
		var r handoff.Report
		if err := json.Unmarshal(packet, &r); err != nil {
			m.log.Warn("worker sent a packet that cannot be read", zap.Error(err))
			continue
		}
		m.happenings <- reported{id: id, report: r}
	}
}

// reported applies a worker's packet.
func (m *master) reported(id fleet.ID, r handoff.Report) {
	c := m.children[id]
	if c == nil {
		return
	}
	switch r.Kind {
	case handoff.ReportReady:
		if len(c.ledger) > 0 {
			return // its word crossed our signal
		}
		c.ready = time.Now()
		m.jot(control.KindReady, c, "the worker is ready after "+c.ready.Sub(c.started).Round(time.Millisecond).String(),
			"generation", strconv.FormatUint(uint64(c.generation), 10))
		m.log.Info("worker ready", c.fields(zap.Duration("boot", c.ready.Sub(c.started)))...)
		m.traffic.stale = true
		m.tellProgress("")
		m.step(fleet.Ready{ID: id})
	case handoff.ReportFailed:
		c.failed = r.Error
	case handoff.ReportRecycle:
		m.step(fleet.RecycleDue{ID: id, Reason: fleet.ReasonRequests})
	case handoff.ReportTerm:
		m.log.Info("worker got SIGTERM from outside; replacing it", c.fields()...)
		m.step(fleet.RecycleDue{ID: id, Reason: fleet.ReasonTerm})
	case handoff.ReportStuck:
		c.stuck = r.Request
		m.step(fleet.Stuck{ID: id, Detail: r.Request + " without progress for " + r.Age.Round(time.Millisecond).String()})
	case handoff.ReportClosed:
		m.portClosed(id)
	}
}
