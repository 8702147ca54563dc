package supervisor

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/net/netutil"

	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/adminhttp"
	"github.com/webchasor/webchasor/supervisor/metrics"
)

const (
	// adminBacklog holds what arrives while one master follows the other.
	adminBacklog = 128
	// adminConnections bounds what the address may cost the master.
	adminConnections = 128
	// adminGrace is how long the end of the master waits for a scrape under way.
	adminGrace = time.Second
)

// adminSocket is the address for metrics, probes and the dashboard. Its
// descriptor goes from master to master, so that a probe never finds it closed.
type adminSocket struct {
	Setting string // as configured; "" if off
	Bound   string
	fd      int // -1: there is none
	server  *http.Server
	stop    chan struct{} // ends the sampler
	sampler sync.WaitGroup
}

// openAdmin takes over or binds the admin address.
func (m *master) openAdmin() error {
	setting := string(m.current.Settings.Admin.Bind)
	m.admin = &adminSocket{Setting: setting, fd: -1}
	if left := m.inherited.admin; left != nil && left.Setting == setting {
		m.inherited.admin = nil
		m.admin = left
		return nil
	}
	if setting == "" {
		return nil
	}
	fd, bound, err := sys.ListenTCP("tcp", setting, adminBacklog)
	if err != nil {
		return fmt.Errorf("cannot open the admin address: %w; choose another admin.bind, or turn it off", remedy(setting, err))
	}
	m.admin.fd, m.admin.Bound = fd, bound
	return nil
}

// succeedAdmin begins to answer when the previous master is gone: two masters know
// different halves of the workers, and a scrape must not alternate between
// them. Until then callers wait in the queue.
func (m *master) succeedAdmin() {
	if left := m.inherited.admin; left != nil {
		m.inherited.admin = nil
		_ = sys.CloseFD(left.fd)
	}
	if !m.upgrader.HasParent() {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), predecessorWait)
		defer cancel()
		_ = m.upgrader.WaitForParent(ctx)
		select {
		case m.happenings <- inquiry{(*master).serveAdmin}:
		case <-m.gone:
		}
	}()
}

// serveAdmin begins to answer and to sample.
func (m *master) serveAdmin() {
	a := m.admin
	if a.fd < 0 || a.server != nil || m.done {
		return
	}
	l, err := listenerOf(a.fd)
	if err != nil {
		m.log.Warn("cannot serve the admin address", zap.String("address", a.Bound), zap.Error(err))
		return
	}
	d := m.desk()
	// Without the memory of the workers, which takes the kernel a while.
	sampler := &metrics.Sampler{Ledger: m.ledger, Status: d.glimpse, Weigh: weighProcess}
	a.server = &http.Server{
		Handler: adminhttp.Handler(adminhttp.Options{
			Master: publicDesk{d},
			Metrics: metrics.Handler(metrics.Source{
				Name: m.name, Version: m.version, Ledger: m.ledger, Status: d.glimpse, Memory: sampler.Memory,
			}),
			Samples: m.ledger.Recorded,
			Token: func(ctx context.Context) string {
				token, _ := ask(ctx, d, func(m *master) string { return m.current.Settings.Admin.Token.Reveal() })
				return token // none, if the master is about to end
			},
			Hosts: func(ctx context.Context) []string {
				names, _ := ask(ctx, d, func(m *master) []string { return slices.Clone(m.current.Settings.Admin.Hosts) })
				return names
			},
			Bound:   a.Bound,
			Leaving: m.gone,
		}),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          zap.NewStdLog(m.log.WithOptions(zap.IncreaseLevel(zap.ErrorLevel))),
	}
	a.stop = make(chan struct{})
	a.sampler.Go(func() { sampler.Run(a.stop) })
	m.log.Info("admin address", zap.String("address", a.Bound))
	go func() { _ = a.server.Serve(netutil.LimitListener(l, adminConnections)) }()
}

// weighProcess is a process's share of memory; 0 if it is gone.
func weighProcess(pid int) int64 {
	pss, _, err := sys.Memory(pid)
	if err != nil {
		return 0
	}
	return pss
}

// closeAdmin lets a scrape under way end.
func (m *master) closeAdmin() {
	a := m.admin
	if a == nil {
		return
	}
	if a.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), adminGrace)
		defer cancel()
		if a.server.Shutdown(ctx) != nil {
			_ = a.server.Close()
		}
		close(a.stop)
		a.sampler.Wait()
	}
	if a.fd >= 0 {
		_ = sys.CloseFD(a.fd)
	}
}
