package supervisor

import (
	"fmt"
	"os"
	"runtime"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/machine"
)

// summarised are the settings of the tuning guide's start-up summary.
var summarised = map[string]string{
	"bind":                "address",
	"workers":             "workers",
	"worker_connections":  "connections per worker",
	"timeout":             "timeout",
	"backlog":             "backlog",
	"max_requests":        "max requests",
	"max_requests_jitter": "max requests jitter",
}

// announce logs the start-up summary: what runs, with which capacity, and
// where every value came from.
func (m *master) announce() {
	s := &m.current.Settings
	m.log.Info("starting "+m.name,
		zap.String("version", m.version), zap.String("go", runtime.Version()),
		zap.Int("master_pid", os.Getpid()), zap.String("config", orNone(m.current.File)))
	for _, row := range m.current.Rows() {
		if label, ok := summarised[row.Name]; ok {
			m.log.Info(fmt.Sprintf("%s: %s", label, row.Value), zap.Stringer("from", row.Origin))
		}
	}
	m.log.Info(fmt.Sprintf("total capacity: %d concurrent connections", s.Workers*s.WorkerConnections),
		zap.String("from", "workers x worker_connections"))
	if text := shareOf(s.Workers, runtime.GOMAXPROCS(0), machine.MemoryQuota()).without(os.Environ()).text(); text != "" {
		m.log.Info("each worker: "+text, zap.String("from", "cores and memory of the cgroup / workers"))
	}
	if m.identity != nil {
		m.log.Info("workers run as user "+m.identity.Name, zap.Uint32("uid", m.identity.UID), zap.Uint32("gid", m.identity.GID),
			zap.Uint32s("groups", m.identity.Groups))
	}
	// Whoever kills after a while must wait longer than that.
	plan := s.Plan()
	m.log.Info(fmt.Sprintf("a stop takes at most: %s", plan.StopLimit()),
		zap.String("from", plan.StopReason()),
		zap.String("remedy", fmt.Sprintf("in a pod set terminationGracePeriodSeconds: %d, in Compose stop_grace_period: %[1]ds; systemd is asked for the time", plan.StopSeconds())))
	for _, w := range append(machine.Warnings(plan, machine.Read()), m.current.Hints...) {
		m.log.Warn(w)
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
