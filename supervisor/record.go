package supervisor

import (
	"os"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/autopsy"
)

// crashLimit bounds what is read of a crash: 10,000 goroutines are about 6 MB.
const crashLimit = 8 << 20

// evidence gathers what is known of a death.
func (m *master) evidence(c *child, state *os.ProcessState) autopsy.Evidence {
	code, sig := exitOf(state)
	e := autopsy.Evidence{
		Code:      code,
		Ready:     !c.ready.IsZero(),
		Reason:    c.reason,
		Stuck:     c.stuck,
		Ledger:    c.ledger,
		Crash:     readCrash(c.crash),
		Stderr:    c.words.Lines(),
		BootError: c.failed,
	}
	if sig != 0 {
		e.Signal = autopsy.SignalName(sig)
	}
	after := readOOM()
	if c.oomBefore.err == nil && after.err == nil {
		e.OOM = autopsy.OOM{
			Readable: true,
			Before:   m.claims.Before(c.oomBefore.count),
			After:    after.count,
			Source:   after.source,
		}
	}
	return e
}

// record is what is kept of an abnormal death.
func (m *master) record(c *child, h exited, v autopsy.Verdict, e autopsy.Evidence) autopsy.Record {
	r := autopsy.Record{
		Time:       h.at,
		PID:        c.pid,
		Slot:       c.slot,
		Generation: uint64(c.generation),
		Verdict:    v,
		Uptime:     h.at.Sub(c.started),
		Requests:   c.board.Snapshot().Counters.Requests(),
		Stacks:     autopsy.Group(e.Crash),
		Stderr:     e.Stderr,
	}
	for _, q := range c.board.InFlight(m.clock.Now()) {
		r.InFlight = append(r.InFlight, lost(q))
	}
	if h.state != nil {
		r.Usage = autopsy.Usage{User: h.state.UserTime(), System: h.state.SystemTime()}
		if ru, ok := h.state.SysUsage().(*syscall.Rusage); ok {
			r.Usage.MaxRSS = maxRSS(ru)
		}
	}
	return r
}

// lost translates a scoreboard row.
func lost(q scoreboard.Request) autopsy.Request {
	r := autopsy.Request{
		ID: q.ID, Method: q.Method, Path: q.Path, Client: q.Client,
		Age: q.Age, SinceProgress: q.Quiet, BytesOut: q.BytesOut,
	}
	for _, f := range []struct {
		set  bool
		name string
	}{{q.Stuck, autopsy.FlagStuck}, {q.Streaming, "streaming"}, {q.BytesOut > 0, "response-begun"}, {q.Torn, "torn"}} {
		if f.set {
			r.Flags = append(r.Flags, f.name)
		}
	}
	return r
}

// logLost names every request that died with a worker, one line each up to a
// screenful; the record has them all.
func (m *master) logLost(c *child, r autopsy.Record) {
	const screenful = 20
	for i, q := range r.InFlight {
		if i == screenful {
			m.log.Error("more requests lost; see the record", c.fields(zap.Int("more", len(r.InFlight)-i))...)
			return
		}
		m.log.Error("request lost", c.fields(
			zap.Uint64("request", q.ID), zap.String("method", q.Method), zap.String("path", q.Path),
			zap.String("client", q.Client), zap.Duration("age", q.Age.Round(time.Millisecond)),
			zap.Duration("since_progress", q.SinceProgress.Round(time.Millisecond)),
			zap.Uint64("bytes_out", q.BytesOut), zap.Strings("flags", q.Flags))...)
	}
}

// readCrash reads what the runtime wrote into the crash memory.
func readCrash(fd int) string {
	size, err := sys.Size(fd)
	if err != nil || size == 0 {
		return ""
	}
	buf := make([]byte, min(size, crashLimit))
	n, err := sys.ReadAt(fd, buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}
