package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/console"
)

const (
	// controlBacklog is far more than there are operators.
	controlBacklog = 64
	// controlGrace is how long the end of the master waits for answers under way.
	controlGrace = 2 * time.Second
)

// controlSocket is where the control API is served. The descriptor goes from
// master to master, so that no call is refused during an upgrade and none that
// waits in the queue is lost.
type controlSocket struct {
	Setting string // as configured
	Path    string // as bound
	fd      int    // -1: there is none
	file    os.FileInfo
	server  *http.Server
	accept  net.Listener
	served  chan struct{} // closed when nothing is accepted any more
	// inherited: the previous master answers here until this one serves.
	inherited bool
}

// openControl takes over or binds the control socket. Only a path that the
// operator named is worth a failed start.
func (m *master) openControl() error {
	setting := m.current.Settings.ControlSocket
	if left := m.inherited.control; left != nil && left.Setting == setting {
		m.inherited.control = nil
		m.control = *left
		m.control.inherited = true
		return nil
	}
	m.control = controlSocket{Setting: setting, fd: -1}
	var problem error
	for i, path := range m.current.Settings.ControlSockets(os.Getenv) {
		err := m.bindControl(path, setting == config.Auto)
		if err == nil {
			return nil
		}
		if i == 0 || !errors.Is(err, fs.ErrNotExist) {
			problem = err
		}
	}
	switch {
	case problem == nil: // off
		return nil
	case setting == config.Auto || errors.Is(problem, syscall.EROFS):
		m.log.Info("no control socket: webchasor status and the like do not work for this instance",
			zap.Error(problem), zap.String("remedy", "name a writable path in control_socket, or turn it off"))
		return nil
	}
	return fmt.Errorf("cannot open the control socket: %w; choose another control_socket, or turn it off", problem)
}

// bindControl makes the socket. An automatic path that another instance uses
// is left to it: this one takes a name of its own beside it.
func (m *master) bindControl(path string, auto bool) error {
	if auto {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
	}
	only := sys.Access{Mode: 0o600, UID: -1, GID: -1}
	fd, bound, err := sys.ListenUnixFor(path, controlBacklog, only)
	if auto && errors.Is(err, sys.ErrSocketLive) {
		path = filepath.Join(filepath.Dir(path), fmt.Sprintf("control-%d.sock", os.Getpid()))
		fd, bound, err = sys.ListenUnixFor(path, controlBacklog, only)
	}
	if err != nil {
		return err
	}
	m.control.fd, m.control.Path = fd, bound
	m.control.file, _ = os.Lstat(bound)
	return nil
}

// serveControl begins to answer: at a first start at once, so that a slow boot
// can be watched; after an upgrade when this master is the one that serves.
func (m *master) serveControl() {
	c := &m.control
	if c.fd < 0 || c.server != nil {
		return
	}
	c.inherited = false
	l, err := listenerOf(c.fd)
	if err != nil {
		m.log.Warn("cannot serve the control socket", zap.String("path", c.Path), zap.Error(err))
		return
	}
	api := console.Handler(m.desk(), m.gone)
	c.server = &http.Server{
		Handler:           console.OwnerOnly(api, os.Getuid()),
		ConnContext:       console.WithPeer,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          zap.NewStdLog(m.log.WithOptions(zap.IncreaseLevel(zap.ErrorLevel))),
	}
	m.log.Info("control socket", zap.String("path", c.Path))
	c.accept, c.served = l, make(chan struct{})
	go func(server *http.Server, served chan<- struct{}) {
		defer close(served)
		_ = server.Serve(l)
	}(c.server, c.served)
}

// listenerOf makes a listener on a duplicate, so that its end leaves fd alone.
func listenerOf(fd int) (net.Listener, error) {
	dup, err := sys.DupCloexec(fd)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(dup), "control")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	return l, nil
}

// succeedControl takes the socket over for good, and removes the previous
// master's if the setting has changed.
func (m *master) succeedControl() {
	if left := m.inherited.control; left != nil {
		m.inherited.control = nil
		left.unlink()
		_ = sys.CloseFD(left.fd)
	}
	m.serveControl()
}

// closeControl lets the answers under way end. The path goes with the service:
// it stays when a new master serves there.
func (m *master) closeControl() {
	c := &m.control
	if c.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), controlGrace)
		defer cancel()
		// First nothing new: Shutdown does not know of a connection that is
		// being accepted while it looks. What waits in the queue is the next master's.
		_ = c.accept.Close()
		<-c.served
		if c.server.Shutdown(ctx) != nil {
			_ = c.server.Close()
		}
		c.server = nil
	}
	if c.fd >= 0 {
		_ = sys.CloseFD(c.fd)
		c.fd = -1
	}
}

// dropControl removes the path of a service that ends.
func (m *master) dropControl() {
	if !m.control.inherited && m.control.fd >= 0 {
		m.control.unlink()
	}
}

// unlink removes the path, unless it is another instance's by now.
func (c *controlSocket) unlink() {
	if now, err := os.Lstat(c.Path); err == nil && c.file != nil && os.SameFile(now, c.file) {
		_ = os.Remove(c.Path)
	}
}
