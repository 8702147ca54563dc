package supervisor

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/certs"
	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// tlsDesk is the master's side of TLS: it reads the files, because the workers
// may not have the right to, and makes the keys of session tickets.
type tlsDesk struct {
	loaded   *certs.Loaded // of the committed generation; nil without
	next     *certs.Loaded // of the reload under way
	tickets  certs.Tickets // none before the first certificate
	watcher  *fileWatch    // of the certificates' files
	again    bool          // they are to be read when the reload is over
	rejected string        // why the files that are there now are not in use
}

// generation is a configuration with the certificates that it names.
type generation struct {
	*config.Resolved
	certs *certs.Loaded
}

// withCerts reads a configuration and its certificates: one that names files
// which cannot be used is no configuration.
func withCerts(load func() (*config.Resolved, error)) (g generation, err error) {
	if g.Resolved, err = load(); err != nil {
		return g, err
	}
	g.certs, err = certs.Load(g.Settings.TLS)
	return g, err
}

// certsOf are the certificates a worker of this generation is started with.
func (m *master) certsOf(g fleet.Generation) *certs.Loaded {
	if m.tx.next != nil && g == m.tx.generation {
		return m.tls.next
	}
	return m.tls.loaded
}

// speaksTLS says whether an address that is open does.
func (m *master) speaksTLS() bool {
	return slices.ContainsFunc(m.sockets, func(s socket) bool { return s.TLS })
}

// lacksCerts is the reason why a configuration cannot serve the addresses that
// are open: bind changes only by an upgrade. Empty if it can.
func (m *master) lacksCerts(l *certs.Loaded) error {
	if l == nil && m.speaksTLS() {
		return errors.New("an address with ?tls is open and the new configuration has no certificate; bind changes only by an upgrade (kill -USR2)")
	}
	return nil
}

// writeMaterial puts what a worker needs into shared memory. The caller closes it.
func (m *master) writeMaterial(l *certs.Loaded) (fd int, err error) {
	if len(m.tls.tickets.Keys) == 0 {
		m.tls.tickets = certs.NewTickets(time.Now())
	}
	material := l.Material
	material.Tickets = m.tls.tickets
	text, err := json.Marshal(material)
	if err != nil {
		return -1, fmt.Errorf("cannot encode the certificates: %w", err)
	}
	defer clear(text)
	fd, err = sys.MemfdLog("webchasor-tls")
	if err != nil {
		return -1, err
	}
	if err := sys.WriteAll(fd, text); err != nil {
		return -1, errors.Join(err, sys.CloseFD(fd))
	}
	return fd, nil
}

// renewTickets lets the next key seal when the one before has served its time.
// During an upgrade both masters have the same keys.
func (m *master) renewTickets(now time.Time) {
	if len(m.tls.tickets.Keys) == 0 || m.upgrading || m.stopping {
		return
	}
	tickets, turned := m.tls.tickets.Turn(now)
	if !turned {
		return
	}
	m.tls.tickets = tickets
	m.log.Info("the key of session tickets has changed", zap.Time("next_change", m.tls.tickets.Due()))
	m.tellCerts()
}

// tellCerts gives certificates and ticket keys to the workers. Their open
// connections keep what they have.
func (m *master) tellCerts() {
	for _, c := range m.children {
		l := m.certsOf(c.generation)
		if l == nil {
			continue
		}
		fd, err := m.writeMaterial(l)
		if err == nil {
			err = errors.Join(c.sendWith(handoff.Order{Kind: handoff.OrderTLS}, fd), sys.CloseFD(fd))
		}
		if err != nil {
			m.log.Warn("cannot give a worker the certificates; it keeps the old ones", c.fields(zap.Error(err))...)
		}
	}
}

// openCertWatch brings the watching of the certificates in line with those in force.
func (m *master) openCertWatch() {
	var paths []string
	if m.current.Settings.Watch && m.speaksTLS() {
		paths = m.current.Settings.TLS.Files()
	}
	var sums map[string][sha256.Size]byte
	if m.tls.loaded != nil {
		sums = m.tls.loaded.Sums
	}
	m.tls.watcher = m.watchFiles(m.tls.watcher, "watching the certificates", paths, sums)
}

// certsRead: the files were read because one of them changed.
type certsRead struct {
	of     *config.Resolved // the configuration that names them
	loaded *certs.Loaded
	err    error
}

func (h certsRead) apply(m *master) { m.certsRead(h) }

// rereadCerts reads the files of the committed configuration, after a reload
// that is under way: that has read them, but maybe too early.
func (m *master) rereadCerts() {
	m.tls.again = m.tx.phase != txIdle
	if m.tls.again {
		return
	}
	of := m.current
	go func() {
		loaded, err := certs.Load(of.Settings.TLS)
		m.happenings <- certsRead{of: of, loaded: loaded, err: err}
	}()
}

// resumeCerts reads them if that waited for the end of a reload.
func (m *master) resumeCerts() {
	if m.tls.again && m.tx.phase == txIdle && !m.stopping {
		m.rereadCerts()
	}
}

// certsRead puts certificates that can be used into force at once: no worker
// is replaced for them and no connection closed.
func (m *master) certsRead(h certsRead) {
	if m.stopping {
		return
	}
	if h.of != m.current || m.tx.phase != txIdle {
		m.tls.again = true
		return
	}
	if h.err != nil {
		m.tls.rejected = oneLine(h.err)
		m.log.Error("certificates rejected; the old ones serve on", zap.Error(h.err))
		m.jot(control.KindTLS, nil, "certificates rejected, the old ones serve on: "+m.tls.rejected, "outcome", string(control.OutcomeRejected))
		return
	}
	m.tls.rejected = ""
	if maps.Equal(h.loaded.Sums, m.tls.loaded.Sums) {
		return
	}
	before := m.tls.loaded
	m.tls.loaded = h.loaded
	m.tellCerts()
	m.introduceCerts(before)
	if !bytes.Equal(before.Material.ClientCA, h.loaded.Material.ClientCA) {
		m.log.Info("client certificates are checked against another file now", zap.String("file", h.of.Settings.TLS.ClientCA))
		m.jot(control.KindTLS, nil, "another client_ca in use", "outcome", string(control.OutcomeDone), "file", h.of.Settings.TLS.ClientCA)
	}
}

// introduceCerts says which certificates are new in force.
func (m *master) introduceCerts(before *certs.Loaded) {
	if m.tls.loaded == nil || !m.speaksTLS() {
		return
	}
	for _, i := range m.tls.loaded.Infos {
		if before != nil && slices.ContainsFunc(before.Infos, func(b certs.Info) bool { return b.File == i.File && b.Serial == i.Serial }) {
			continue
		}
		m.log.Info("certificate in use", zap.String("file", i.File), zap.String("subject", i.Subject),
			zap.Strings("names", i.Names), zap.String("serial", i.Serial), zap.Time("expires", i.Expires))
		m.jot(control.KindTLS, nil, fmt.Sprintf("certificate for %s in use, it expires on %s", i.Subject, i.Expires.UTC().Format(time.DateOnly)),
			"outcome", string(control.OutcomeDone), "subject", i.Subject, "expires", i.Expires.UTC().Format(time.RFC3339), "file", i.File)
	}
	for _, w := range m.tls.loaded.Warnings(time.Now()) {
		m.log.Warn(w)
	}
}

// certificates are those that clients are shown, each file once.
func (m *master) certificates() (all []control.Certificate) {
	if m.tls.loaded == nil || !m.speaksTLS() {
		return nil
	}
	for _, i := range m.tls.loaded.Infos {
		if slices.ContainsFunc(all, func(c control.Certificate) bool { return c.File == i.File }) {
			continue
		}
		all = append(all, control.Certificate{File: i.File, Subject: i.Subject, Names: i.Names, Begins: i.Begins, Expires: i.Expires})
	}
	return all
}
