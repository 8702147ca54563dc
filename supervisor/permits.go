package supervisor

import (
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/permits"
	"github.com/webchasor/webchasor/internal/sys"
)

// permitsDesk is the master's side of the permits: it gives each worker a seat,
// and takes it back, with all that was held there, when the worker is dead.
type permitsDesk struct {
	board *permits.Board
	fds   permits.Descriptors
	swept time.Time
}

// openPermits goes on with the permits of the previous master, whose workers
// hold some of them, or makes new ones.
func (m *master) openPermits() (err error) {
	d := &m.permits
	if fds := m.inherited.permits; len(fds) > 0 {
		m.inherited.permits = nil
		d.fds = permits.Descriptors{Memory: fds[0], Bells: fds[1:]}
		if d.board, err = permits.Open(d.fds); err != nil {
			m.log.Warn("the limits begin anew: until the workers of the previous master are gone, both count apart", zap.Error(err))
			_ = d.fds.Close()
		}
	}
	if d.board != nil {
		return nil // its limits stay until this master serves
	}
	if d.fds, d.board, err = permits.Create(); err != nil {
		return err
	}
	m.putLimits()
	return nil
}

// putLimits puts the committed limits into force, for every worker of every
// generation at once.
func (m *master) putLimits() {
	a := &m.current.Settings.API
	status, _ := strconv.Atoi(a.Limits.FullStatus) // the table has no others
	floor := 0
	if a.Limits.Adaptive {
		floor = a.Limits.AdaptiveMin
	}
	models, _ := a.Limits.ByModel() // checked when it was loaded
	keys := make(map[string]int, len(a.Keys))
	for _, k := range a.Keys {
		if k.MaxConcurrentRequests > 0 {
			keys[k.Name] = k.MaxConcurrentRequests
		}
	}
	forgotten := m.permits.board.Configure(permits.Limits{
		API: a.MaxConcurrentRequests, LLM: a.LLMConcurrentLimit,
		Queue: a.QueueSize, Patience: a.QueueTimeout, FullStatus: status,
		Floor: floor, Slow: a.Limits.AdaptiveLatency,
		PerKey: a.Limits.PerKey, PerModel: a.Limits.PerModel, Keys: keys, Models: models,
	})
	if len(forgotten) > 0 {
		m.log.Warn("too many keys and models have had limits since the service began; restart it to give these their own",
			zap.Strings("names", forgotten))
	}
}

// seat gives a worker its row. Without one it counts for itself.
func (m *master) seat(c *child, s *config.Settings) *handoff.Permits {
	scope := permits.Host
	if s.API.Limits.Scope == config.ScopeWorker {
		scope = permits.Alone
	}
	seat, ok := m.permits.board.Assign(scope)
	if !ok {
		m.log.Warn("no row is free on the board of permits: this worker's limits are its own", c.fields()...)
		return nil
	}
	c.seat = &seat
	return &handoff.Permits{Row: seat.Row, Token: seat.Token, Bells: len(m.permits.fds.Bells) > 0}
}

// seated notes which process got the seat, so that any master can see its end.
func (m *master) seated(c *child) {
	if c.seat == nil {
		return
	}
	start, _ := sys.ProcessStart(c.pid) // not reaped, so the number is its own
	m.permits.board.Occupy(*c.seat, c.pid, start)
}

// unseat takes back what a dead worker held.
func (m *master) unseat(c *child) {
	if c.seat == nil {
		return
	}
	if n := m.permits.board.Free(*c.seat); n > 0 {
		m.log.Info("permits of a dead worker are back", c.fields(zap.Int("requests", n))...)
	}
	c.seat = nil
}

// sweepEvery is how often the seats of other masters' workers are looked at:
// nobody reports the end of a worker whose own master is gone.
const sweepEvery = 250 * time.Millisecond

// sweepSeats takes back what dead workers of other masters held.
func (m *master) sweepSeats(now time.Time) {
	if now.Sub(m.permits.swept) < sweepEvery {
		return
	}
	m.permits.swept = now
	mine := make(map[permits.Seat]bool, len(m.children))
	for _, c := range m.children {
		if c.seat != nil {
			mine[*c.seat] = true
		}
	}
	m.permits.board.Sitting(func(s permits.Seat, pid int, start uint64) {
		if mine[s] {
			return
		}
		if began, alive := sys.ProcessStart(pid); alive && (start == 0 || began == start) {
			return
		}
		if n := m.permits.board.Free(s); n > 0 {
			m.log.Info("permits of a dead worker of another master are back", zap.Int("worker_pid", pid), zap.Int("requests", n))
		}
	})
}

// permitsLegacy is what the next master gets.
func (m *master) permitsLegacy() (all []legacy) {
	for i, fd := range m.permits.fds.All() {
		all = append(all, legacy{heirloom{Permits: i + 1}, fd})
	}
	return all
}

// permitsFiles adds what a worker needs to the descriptors it is born with.
func (m *master) permitsFiles(files []uintptr) {
	files[handoff.FDPermits] = uintptr(m.permits.fds.Memory)
	for i := range permits.Lanes {
		files[handoff.FDBells+i] = noFD
		if i < len(m.permits.fds.Bells) {
			files[handoff.FDBells+i] = uintptr(m.permits.fds.Bells[i])
		}
	}
}

// limits says what is held and who waits. A program without the API has none.
func (m *master) limits() []control.Limit {
	if _, has := m.current.Origins["llm_concurrent_limit"]; !has {
		return nil
	}
	u := m.permits.board.Usage()
	counts := 0 // how many count on their own: the host is one
	host := false
	for _, r := range u.Rows {
		if r.Scope == permits.Host {
			host = true
		} else {
			counts++
		}
	}
	if host {
		counts++
	}
	return []control.Limit{
		{Name: "requests", InUse: u.UsedAPI, Max: counts * u.LimitAPI, Waiting: u.Plain, MaxQueue: counts * u.QueueSize},
		{Name: "llm", InUse: u.UsedLLM, Max: u.EffectiveLLM, Waiting: u.Waiting - u.Plain, MaxQueue: counts * u.QueueSize},
	}
}
