package supervisor

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/logs"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/autopsy"
)

// lostStatus is what the access log says about a request that died with its
// worker. No worker answers with it by itself. The others are what the watchdog had
// answered already in the place of a handler that hung to the end.
const (
	lostStatus = 502
	timedOut   = 503
	tooSlow    = 408
)

// accountLost writes one access line for every request that was under way when a
// worker ended, which could not do it any more. The log is opened anew each time:
// deaths are rare, and a rotation or a reload needs no care then.
func (m *master) accountLost(c *child, r autopsy.Record) {
	s := m.settingsOf(c.generation)
	if s.AccessLog == "" || len(r.InFlight) == 0 {
		return
	}
	path, format, stdout, log := s.AccessLog, logs.AccessFormat(s.AccessLogFormat), m.stdoutFD, m.log
	if !m.accountant.submit(func() {
		if err := writeLost(path, format, stdout, lostLines(r)); err != nil {
			log.Warn("cannot write the access lines of lost requests", zap.String("record", r.ID()), zap.Error(err))
		}
	}) {
		m.log.Warn("access lines of lost requests are given up: the access log is too slow", zap.Int("lines", len(r.InFlight)))
	}
}

// lostLines are the access lines of a death.
func lostLines(r autopsy.Record) []logs.Record {
	lines := make([]logs.Record, 0, len(r.InFlight))
	death := ""
	if r.Verdict.Abnormal { // else there is no record
		death = r.ID()
	}
	for _, q := range r.InFlight {
		line := logs.Record{
			Remote: hostOf(q.Client), Time: r.Time.Add(-q.Age), Duration: q.Age,
			Method: orDash(q.Method), URI: orDash(q.Path), Proto: "-", // nobody kept it
			Status: statusOf(q), Bytes: int64(q.BytesOut), UserAgent: "lost:" + string(r.Verdict.Cause),
			PID: r.PID, Slot: r.Slot, Lost: string(r.Verdict.Cause), Death: death,
		}
		if q.Answered() {
			line.UserAgent, line.Lost = "", ""
		}
		lines = append(lines, line)
	}
	return lines
}

func statusOf(q autopsy.Request) int {
	switch {
	case !q.Answered():
		return lostStatus
	case slices.Contains(q.Flags, flagTooSlow):
		return tooSlow
	}
	return timedOut
}

func writeLost(path string, format logs.AccessFormat, stdout int, lines []logs.Record) (err error) {
	fd, err := sys.DupCloexec(stdout)
	if err != nil {
		return err
	}
	std := os.NewFile(uintptr(fd), "stdout")
	sink, err := logs.Open(path, std)
	if err = errors.Join(err, std.Close()); err != nil {
		return err
	}
	access := logs.NewAccess(sink, format)
	var failed error
	access.OnError(func(err error) { failed = err })
	for _, l := range lines {
		access.Log(l)
	}
	return errors.Join(access.Close(), failed, sink.Close())
}

// hostOf is a client's address without the port; "" for a unix socket.
func hostOf(client string) string {
	if _, err := netip.ParseAddr(client); err == nil {
		return client // from a proxy, which names no port
	}
	host, _, err := net.SplitHostPort(client)
	if err != nil {
		return ""
	}
	return host
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
