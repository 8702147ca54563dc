package testproc

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// cleanup ends every process of the program, reports data races they saw, and
// keeps the evidence of a failed test.
func (p *Process) cleanup() {
	p.t.Helper()
	empty := Poll(Patience, Every, func() bool {
		for _, proc := range p.Alive() {
			_ = syscall.Kill(proc.PID, syscall.SIGKILL)
		}
		// A leader is a zombie before its last thread is dead, and cannot be
		// reaped until then: reapOrphans may still have to do it.
		return len(p.Session()) == 0 && p.Exited()
	})
	if !empty {
		p.t.Errorf("cannot kill or reap: %s", describe(p.Session()))
	}
	Poll(Patience, Every, p.logsEnded)
	p.reportRaces()
	if p.t.Failed() {
		p.t.Logf("evidence kept in %s\n%s", p.keepEvidence(), p.tail())
	}
}

func (p *Process) reportRaces() {
	p.t.Helper()
	reports, _ := filepath.Glob(p.Path("race.*"))
	for _, name := range reports {
		if text, err := os.ReadFile(name); err == nil && len(text) > 0 {
			p.t.Errorf("data race in a process of the program:\n%s", text)
		}
	}
}

// tail is the end of the log, bounded so that a failure stays readable.
func (p *Process) tail() string {
	const limit = 24 << 10
	text := p.Log.String()
	if len(text) > limit {
		text = "...\n" + text[len(text)-limit:]
	}
	return "log of the program:\n" + text
}

// keepEvidence copies the program's directory to a place that outlives the
// test, and returns its name.
func (p *Process) keepEvidence() string {
	base := os.Getenv(EvidenceEnv)
	if base == "" {
		base = filepath.Join(os.TempDir(), "webchasor-evidence")
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "nowhere: " + err.Error()
	}
	name := strings.NewReplacer("/", "-", " ", "_").Replace(p.t.Name())
	target, err := os.MkdirTemp(base, name+"-")
	if err != nil {
		return "nowhere: " + err.Error()
	}
	_ = filepath.WalkDir(p.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // sockets and what vanished are no evidence
		}
		rel, _ := filepath.Rel(p.Dir, path)
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		_ = os.MkdirAll(filepath.Dir(filepath.Join(target, rel)), 0o700)
		_ = os.WriteFile(filepath.Join(target, rel), data, 0o600)
		return nil
	})
	return target
}
