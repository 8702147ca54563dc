package supervisor

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/sys"
)

// portWait is how long an address in use is retried: the workers of a master
// that was killed may still be leaving.
const portWait = 5 * time.Second

// openSockets takes over the sockets of the previous master or binds them.
func (m *master) openSockets() error {
	s := &m.current.Settings
	for _, address := range m.specs() {
		b, err := config.ParseBind(address)
		if err != nil {
			return err
		}
		spec := b.Plain
		if inherited, ok := m.inherited.take(spec); ok {
			if !m.upgrader.HasParent() && !inherited.Lent {
				m.relistenAt(&inherited, s.Backlog)
				m.reapplyAccess(&inherited)
			}
			m.keepsAccept(&inherited, s.Accept)
			inherited.TLS = b.TLS
			m.sockets = append(m.sockets, inherited)
			m.log.Info("listening", zap.String("address", inherited.Address), zap.Bool("tls", b.TLS), zap.Bool("inherited", true))
			continue
		}
		sock, err := m.bind(spec, s.Accept, s.Backlog)
		if err != nil {
			return err
		}
		sock.TLS = b.TLS
		m.sockets = append(m.sockets, sock)
		m.log.Info("listening", zap.String("address", sock.Address), zap.Bool("tls", b.TLS))
	}
	return nil
}

// succeed makes the inheritance ours, now that we serve: before, the previous
// master must find everything as it was. Addresses that are no longer configured go.
func (m *master) succeed() {
	for _, s := range m.inherited.sockets {
		if s.Lent {
			m.log.Warn("a socket that was passed to us is not used", zap.String("address", s.Address),
				zap.String("remedy", "add "+s.Spec+" to bind"))
		} else {
			m.log.Info("no longer listening", zap.String("address", s.Address))
			m.unlink(*s)
			m.forget(s)
		}
		closeAll(s.FDs) // our copies: the leaving workers still answer what is queued
	}
	m.inherited.sockets = nil
	if !m.upgrader.HasParent() {
		return
	}
	for i := range m.sockets {
		m.sockets[i].Inherited = false
		m.reapplyAccess(&m.sockets[i])
	}
	m.relisten(m.current.Settings.Backlog)
}

// bind opens one address, waiting for leaving owners of the port. A signal to
// stop ends the wait.
func (m *master) bind(spec, accept string, backlog int) (socket, error) {
	deadline := time.Now().Add(portWait)
	retry := time.NewTicker(100 * time.Millisecond)
	defer retry.Stop()
	for warned := false; ; {
		sock, err := listen(spec, accept, backlog, m.identity)
		if err == nil {
			return sock, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(deadline) {
			return socket{}, remedy(spec, err)
		}
		if !warned {
			m.log.Warn("address in use; waiting for its owner to leave",
				zap.String("address", spec), zap.Duration("at_most", portWait))
			warned = true
		}
		select {
		case <-retry.C:
		case <-m.signals.stops:
			return socket{}, errStopped
		}
	}
}

// remedy says what an operator can do about a bind error.
func remedy(spec string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cannot bind %s: port in use; another instance or program listens there (ss -ltnp shows which): %w", spec, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot bind %s: permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE, a unix socket a writable directory: %w", spec, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("cannot bind %s: no interface of this machine has that address: %w", spec, err)
	}
	return fmt.Errorf("cannot bind %s: %w", spec, err)
}

// relisten applies a changed backlog: listen(2) may be called again on a
// listening socket, by anybody who holds it.
func (m *master) relisten(backlog int) {
	for i := range m.sockets {
		m.relistenAt(&m.sockets[i], backlog)
	}
}

func (m *master) relistenAt(s *socket, backlog int) {
	for _, fd := range s.FDs {
		if err := sys.Relisten(fd, backlog); err != nil {
			m.log.Warn("cannot change the backlog", zap.String("address", s.Address), zap.Error(err))
		}
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = sys.CloseFD(fd)
	}
}
