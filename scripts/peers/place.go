package main

import (
	"embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"text/template"

	"github.com/webchasor/webchasor/internal/testproc"
)

// files are the applications and configurations of the peers.
//
//go:embed apps
var files embed.FS

// newPlace prepares a fresh directory with all applications, and a free port. Somebody else
// could take the port before the server does; then the server does not start, and says so.
func newPlace(h *testproc.Host, workers int, built programs) place {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		h.Fatalf("cannot find a free port: %v", err)
	}
	p := place{dir: h.TempDir(), port: l.Addr().(*net.TCPAddr).Port, workers: workers, built: built}
	_ = l.Close()
	if err := os.CopyFS(p.dir, files); err != nil {
		h.Fatalf("cannot write the applications: %v", err)
	}
	return p
}

func (p place) apps() string { return filepath.Join(p.dir, "apps") }

func (p place) address() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }

// render fills in a configuration and returns the path of the result. The
// templates are embedded and a test renders them all, so they cannot fail here.
func (p place) render(name string) string {
	path := filepath.Join(p.dir, name)
	if err := p.renderTo(path, name); err != nil {
		return "cannot-render-" + name // the server names it when it fails to start
	}
	return path
}

func (p place) renderTo(path, name string) error {
	parsed, err := template.ParseFS(files, "apps/"+name)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := parsed.Execute(f, map[string]any{"Dir": p.dir, "Port": p.port, "Workers": p.workers}); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
