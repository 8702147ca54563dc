package supervisor

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/machine"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// Bounds of a worker's share of the memory.
const (
	// reserveLeast is kept for the master, for what Go does not count (the
	// program's own pages, sockets) and for a replacement that boots.
	reserveLeast = 64 << 20
	// shareLeast is what a worker needs to work; below it the collector would only collect.
	shareLeast = 32 << 20
)

// part is what each of so many workers may use of what they have together. A
// value of 0 says nothing: there is no limit to share, or the operator has set one.
type part struct {
	workers int
	cores   int   // GOMAXPROCS
	memory  int64 // GOMEMLIMIT
}

// shareOf divides the cores and the cgroup's memory. A worker's part of the
// memory is a goal of its collector, no promise: with it a worker collects sooner
// instead of being killed for what it could have given back.
func shareOf(workers, cores int, memory int64) part {
	s := part{workers: workers, cores: coresPer(workers, cores)}
	if memory > 0 && workers > 0 {
		rest := memory - max(reserveLeast, memory/10)
		s.memory = max(rest/int64(workers), shareLeast)
	}
	return s
}

// coresPer is a worker's share of the cores: five workers with one thread each
// cost a quarter less CPU per request than with two. The first share is said in the
// environment, because fasthttp looks when it is initialised.
func coresPer(workers, cores int) int {
	if workers >= cores || workers < 1 {
		return 1
	}
	return (cores + workers - 1) / workers
}

// without leaves out what the operator has set.
func (s part) without(environ []string) part {
	if isSet(environ, "GOMAXPROCS") {
		s.cores = 0
	}
	if isSet(environ, "GOMEMLIMIT") {
		s.memory = 0
	}
	return s
}

func isSet(environ []string, name string) bool {
	return slices.ContainsFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, name+"=") && kv != name+"=" })
}

// environ are the variables by which Go's runtime takes its share.
func (s part) environ() (env []string) {
	if s.cores > 0 {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(s.cores))
	}
	if s.memory > 0 {
		env = append(env, "GOMEMLIMIT="+strconv.FormatInt(s.memory, 10))
	}
	return env
}

// text is for the summary at the start; empty if there is nothing to say.
func (s part) text() string {
	var parts []string
	if s.cores > 0 {
		parts = append(parts, fmt.Sprintf("GOMAXPROCS %d", s.cores))
	}
	if s.memory > 0 {
		parts = append(parts, fmt.Sprintf("GOMEMLIMIT %d MiB", s.memory>>20))
	}
	return strings.Join(parts, ", ")
}

func (s part) status() *control.Share {
	if s.cores == 0 && s.memory == 0 {
		return nil
	}
	return &control.Share{Cores: s.cores, Memory: s.memory}
}

// shareFor is the share of a worker of a generation. One that a reload tries out
// counts with the workers that there will be.
func (m *master) shareFor(g fleet.Generation) part {
	workers := m.fleet.Slots()
	if m.tx.next != nil && g == m.tx.generation {
		workers = m.tx.next.Settings.Workers
	}
	if workers == 0 {
		workers = m.current.Settings.Workers
	}
	return shareOf(workers, runtime.GOMAXPROCS(0), machine.MemoryQuota()).without(os.Environ())
}

// redivide tells the workers their new shares when their number has changed. In a
// reload it waits for the end: until then the number may change back.
func (m *master) redivide() {
	workers := m.fleet.Slots()
	if workers == 0 || workers == m.share.workers || m.tx.phase == txRolling {
		return
	}
	m.share = m.shareFor(m.generation)
	m.log.Debug("the workers' shares change", zap.Int("workers", workers), zap.String("each", m.share.text()))
	if m.share.cores == 0 && m.share.memory == 0 {
		return
	}
	order := handoff.Order{Kind: handoff.OrderShare, Share: &handoff.Share{Cores: m.share.cores, Memory: m.share.memory}}
	for _, c := range m.children {
		if err := c.send(order); err != nil {
			m.log.Debug("cannot tell worker its share", c.fields(zap.Error(err))...)
		}
	}
}
