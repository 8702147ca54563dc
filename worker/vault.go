package worker

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/certs"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
)

// vault holds what new TLS connections are begun with. The connections that are
// open keep what they have.
type vault struct {
	protocols []string // that ALPN offers
	current   atomic.Pointer[tls.Config]
}

// put replaces certificates and ticket keys, or leaves everything as it was.
func (v *vault) put(m *certs.Material) error {
	config, err := m.Config(v.protocols...)
	if err != nil {
		return err
	}
	v.current.Store(config)
	return nil
}

// maxMaterial bounds what is believed to be certificates.
const maxMaterial = 64 << 20

// readMaterial takes fd and reads what the master wrote there.
func readMaterial(fd int) (*certs.Material, error) {
	size, err := sys.Size(fd)
	if err == nil && size > maxMaterial {
		err = fmt.Errorf("they have %d bytes", size)
	}
	var text []byte
	if err == nil {
		text = make([]byte, size)
		_, err = sys.ReadAt(fd, text)
	}
	var m certs.Material
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	clear(text)
	if err = errors.Join(err, sys.CloseFD(fd)); err != nil {
		return nil, fmt.Errorf("cannot read the certificates: %w", err)
	}
	return &m, nil
}

// openTLS reads the certificates that the worker is born with.
func (in *inheritance) openTLS() (err error) {
	if in.boot.TLS {
		in.material, err = readMaterial(handoff.FDTLS)
	}
	return err
}

// renewed reads the certificates of an order; nil if that fails.
func renewed(o *order, log *zap.Logger) *certs.Material {
	fds := o.takeFDs()
	if len(fds) != 1 {
		for _, fd := range fds {
			_ = sys.CloseFD(fd)
		}
		log.Error("cannot take new certificates over: their descriptor did not arrive; the old ones serve on")
		return nil
	}
	m, err := readMaterial(fds[0])
	if err != nil {
		log.Error("cannot take new certificates over; the old ones serve on", zap.Error(err))
		return nil
	}
	return m
}

// renew lets new connections use new certificates and ticket keys.
func (c *core) renew(o *order) {
	m := renewed(o, c.o.Logger)
	if m == nil || c.gate.vault == nil {
		return
	}
	if err := c.gate.vault.put(m); err != nil {
		c.o.Logger.Error("cannot use the new certificates; the old ones serve on", zap.Error(err))
		return
	}
	c.o.Logger.Debug("certificates and ticket keys replaced")
}
