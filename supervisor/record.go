package supervisor

import (
	"os"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/machine"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/autopsy"
)

// crashLimit bounds what is read of a crash: 10,000 goroutines are about 6 MB.
// The cause is in the first crashHead bytes.
const (
	crashLimit = 8 << 20
	crashHead  = 64 << 10
)

// keepLog is how many of its last log lines a record shows.
const keepLog = 40

// keepIdle is how many clients of idle connections are named. Idle connections
// are many; a client that asks what became of its own needs the name.
const keepIdle = 500

// evidence gathers what is known of a death.
func (m *master) evidence(c *child, state *os.ProcessState) autopsy.Evidence {
	code, sig := exitOf(state)
	e := autopsy.Evidence{
		Code:      code,
		Ready:     !c.ready.IsZero(),
		Reason:    c.reason,
		Stuck:     c.stuck,
		Ledger:    c.ledger,
		Crash:     readCrash(c.crash, crashHead),
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

// record is what is kept of an abnormal death, less the stacks: [master.bury]
// adds those.
func (m *master) record(c *child, h exited, v autopsy.Verdict, e autopsy.Evidence) autopsy.Record {
	r := autopsy.Record{
		Time:       h.at,
		PID:        c.pid,
		Slot:       c.slot,
		Generation: uint64(c.generation),
		Version:    m.version,
		Verdict:    v,
		Code:       e.Code,
		Signal:     e.Signal,
		Uptime:     h.at.Sub(c.started),
		Stderr:     e.Stderr,
		Usage:      usageOf(h.state),
		Pressure:   autopsy.Pressure{Pressure: h.pressure},
	}
	if c.box != nil {
		r.Log = c.box.Lines(keepLog)
	}
	if h.pressure.Throttled > c.throttled.periods {
		r.Pressure.ThrottledInLife = h.pressure.Throttled - c.throttled.periods
		r.Pressure.ThrottledInLifeFor = max(h.pressure.ThrottledFor-c.throttled.total, 0)
	}
	m.readBoard(c, &r)
	return r
}

// readBoard adds what the scoreboard says, if there is one: that of another
// version's worker cannot be read.
func (m *master) readBoard(c *child, r *autopsy.Record) {
	if c.board == nil {
		return
	}
	board, now := c.board.Snapshot(), m.clock.Now()
	r.Requests, r.Connections = board.Counters.Requests(), board.Connections
	if board.Beat > 0 {
		r.Silent = max(now-board.Beat, 0)
	}
	for _, q := range c.board.InFlight(now) {
		r.InFlight = append(r.InFlight, lost(q))
	}
	r.Idle, r.IdleAll = c.board.Idle(keepIdle)
}

// throttling is what the CPU quota had taken when the worker was started.
type throttling struct {
	periods uint64
	total   time.Duration
}

func readThrottling() (t throttling) {
	t.periods, t.total = machine.Throttled()
	return t
}

func usageOf(state *os.ProcessState) (u autopsy.Usage) {
	if state == nil {
		return u
	}
	u.User, u.System = state.UserTime(), state.SystemTime()
	if ru, ok := state.SysUsage().(*syscall.Rusage); ok {
		u.MaxRSS = maxRSS(ru)
		u.MajorFaults, u.Preempted, u.Yielded = ru.Majflt, ru.Nivcsw, ru.Nvcsw
	}
	return u
}

const (
	flagStreaming = "streaming"
	flagTooSlow   = "too-slow" // the client, so it was answered with 408
)

// lost translates a scoreboard row.
func lost(q scoreboard.Request) autopsy.Request {
	r := autopsy.Request{
		ID: q.ID, Method: q.Method, Path: q.Path, Client: q.Client,
		Age: q.Age, SinceProgress: q.Quiet, BytesOut: q.BytesOut,
	}
	for _, f := range []struct {
		set  bool
		name string
	}{{q.Stuck, autopsy.FlagStuck}, {q.Streaming, flagStreaming}, {q.Answered != 0, autopsy.FlagAnswered}, {q.Answered == tooSlow, flagTooSlow}, {q.BytesOut > 0, "response-begun"}, {q.Torn, "torn"}} {
		if f.set {
			r.Flags = append(r.Flags, f.name)
		}
	}
	return r
}

// logLost names every request that died with a worker unanswered, one line each up
// to a screenful; the record has them all.
func (m *master) logLost(c *child, r autopsy.Record) {
	const screenful = 20
	told := 0
	for _, q := range r.InFlight {
		if q.Answered() {
			continue
		}
		if told == screenful {
			m.log.Error("more requests lost; see the record", c.fields(zap.Int("more", r.Lost()-told))...)
			return
		}
		told++
		m.log.Error("request lost", c.fields(
			zap.Uint64("request", q.ID), zap.String("method", q.Method), zap.String("path", q.Path),
			zap.String("client", q.Client), zap.Duration("age", q.Age.Round(time.Millisecond)),
			zap.Duration("since_progress", q.SinceProgress.Round(time.Millisecond)),
			zap.Uint64("bytes_out", q.BytesOut), zap.Strings("flags", q.Flags))...)
	}
}

// logClosed names the clients whose idle connections ended with a worker: a
// request of theirs that it had not read yet was reset with them. Clients on a unix socket have no name.
func (m *master) logClosed(c *child, r autopsy.Record) {
	const screenful = 100
	if len(r.Idle) == 0 || r.Idle[0] == "unix" {
		return
	}
	named := r.Idle[:min(len(r.Idle), screenful)]
	m.log.Warn("idle connections lost", c.fields(
		zap.Int("idle", r.IdleAll), zap.Int("named", len(named)), zap.String("clients", strings.Join(named, " ")))...)
}

// readCrash reads what the runtime wrote into the crash memory, up to a limit in bytes.
func readCrash(fd int, limit int64) string {
	size, err := sys.Size(fd)
	if err != nil || size == 0 {
		return ""
	}
	buf := make([]byte, min(size, limit))
	n, err := sys.ReadAt(fd, buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}
