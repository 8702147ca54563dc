package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/webchasor/webchasor/internal/machine"
)

// Input is everything [Load] looks at.
type Input struct {
	Flags    map[string]string // setting name -> raw value, only those given
	File     string            // YAML file; "" searches [SearchPaths]
	EnvFiles []string          // the last one wins
	Environ  []string          // KEY=VALUE, usually os.Environ()
	Dir      string            // base of relative paths; "" is the working directory
	CPUs     float64           // 0 asks the machine
	Groups   []Group           // nil is all
}

// Resolved is one complete, validated configuration. It is not modified after
// [Load] returned it.
type Resolved struct {
	Settings Settings
	Origins  map[string]Origin // by setting name; only settings of the input's groups
	File     string            // YAML file in use, absolute, or ""
	EnvFiles []string          // absolute
	// Hints are mistakes that are not errors: values without effect, and
	// variables that look like a misspelt setting.
	Hints []string

	// Sums are the SHA-256 of the files that were read, by path, so that a
	// watcher knows which content is in force.
	Sums map[string][sha256.Size]byte

	fromFile map[string]fileValue // by setting name
}

// SearchPaths are tried in this order when no file is named.
func SearchPaths() []string {
	return []string{"config/config.yaml", "webchasor.yaml", "/etc/webchasor/webchasor.yaml"}
}

// Load reads all layers and resolves every setting. The error joins every
// mistake that was found, see [Errors].
func Load(in Input) (*Resolved, error) {
	l, err := newLoader(in)
	if err != nil {
		return nil, err
	}
	l.readFile()
	l.readEnvFiles()
	l.checkFlags()
	for _, s := range l.table {
		l.resolve(s)
	}
	l.combine()
	l.checkCache()
	l.gatewayHints()
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	return l.out, nil
}

// Defaults are the settings of a machine with so many CPUs when nobody
// configured anything.
func Defaults(cpus float64) Settings {
	var all Settings
	for _, s := range Table() {
		// A default always parses: a test walks the table.
		if s.Kind == KindSection {
			continue // empty
		}
		_ = s.set(&all, s.Default, site{dir: "/", cpus: cpus, stateDir: defaultStateDir(nil, 0)})
	}
	return all
}

// loader is the state of one Load.
type loader struct {
	in       Input
	table    []Setting
	site     site
	environ  map[string]string
	envFiles map[string]envValue
	out      *Resolved
	bad      map[string]bool // settings with an error, not to be compared with others
	errs     []error
}

func newLoader(in Input) (*loader, error) {
	dir, err := filepath.Abs(in.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot find the working directory: %w; start in a directory that exists", err)
	}
	cpus := in.CPUs
	if cpus <= 0 {
		cpus = machine.CPUs()
	}
	environ := map[string]string{}
	for _, line := range in.Environ {
		if key, value, ok := strings.Cut(line, "="); ok {
			environ[key] = value
		}
	}
	return &loader{
		in:       in,
		table:    TableOf(in.Groups),
		site:     site{dir: dir, cpus: cpus, stateDir: defaultStateDir(environ, os.Getuid())},
		environ:  environ,
		envFiles: map[string]envValue{},
		out:      &Resolved{Origins: map[string]Origin{}, Sums: map[string][sha256.Size]byte{}, fromFile: map[string]fileValue{}},
		bad:      map[string]bool{},
	}, nil
}

// TableOf is the part of [Table] that the groups make; nil is all groups.
func TableOf(groups []Group) []Setting {
	table := Table()
	if groups == nil {
		return table
	}
	return slices.DeleteFunc(table, func(s Setting) bool { return !slices.Contains(groups, s.Group) })
}

// defaultStateDir follows the XDG base directory specification.
func defaultStateDir(environ map[string]string, uid int) string {
	const system = "/var/lib/webchasor"
	// The specification ignores relative paths.
	if dir := environ["XDG_STATE_HOME"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "webchasor")
	}
	if home := environ["HOME"]; uid != 0 && filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "webchasor")
	}
	return system
}

// resolve applies the layers from the weakest to the strongest. All are
// parsed, so that a mistake does not wait for its override to vanish.
func (l *loader) resolve(s Setting) {
	if s.Kind == KindSection {
		l.resolveSection(s)
		return
	}
	l.apply(s, s.Default, Origin{Kind: FromDefault, Where: l.defaultWhere(s)}, s.Name)
	if v, ok := l.out.fromFile[s.Name]; ok {
		l.apply(s, v.raw, Origin{Kind: FromFile, Where: v.where}, s.YAML)
	}
	if v := l.environ[s.Env]; v != "" {
		l.apply(s, v, Origin{Kind: FromEnv, Where: s.Env}, s.Env)
	}
	if v, ok := l.envFiles[s.Env]; ok && v.raw != "" {
		l.apply(s, v.raw, Origin{Kind: FromEnvFile, Where: v.where}, s.Env)
	}
	if v, ok := l.in.Flags[s.Name]; ok && s.Flag != "" {
		l.apply(s, v, Origin{Kind: FromFlag, Where: "--" + s.Flag}, "--"+s.Flag)
	}
}

// resolveSection decodes a section, which only the file can have.
func (l *loader) resolveSection(s Setting) {
	l.out.Origins[s.Name] = Origin{Kind: FromDefault}
	v, ok := l.out.fromFile[s.Name]
	if !ok {
		return
	}
	l.out.Origins[s.Name] = Origin{Kind: FromFile, Where: v.where}
	d := &section{yamlWalk: &yamlWalk{path: l.out.File, table: l.table}, lines: map[string]int{}}
	d.decode(s.YAML, v.node, reflect.ValueOf(s.at(&l.out.Settings)).Elem(), "")
	if len(d.errs) == 0 && s.finish != nil {
		s.finish(l, d)
	}
	if len(d.errs) > 0 {
		l.bad[s.Name] = true
		l.errs = append(l.errs, d.errs...)
	}
}

// variable is a variable of the environment layer, env-files first.
func (l *loader) variable(name string) string {
	if v, ok := l.envFiles[name]; ok && v.raw != "" {
		return v.raw
	}
	return l.environ[name]
}

func (l *loader) defaultWhere(s Setting) string {
	if s.Name == nameWorkers {
		return fmt.Sprintf("%g CPU x 2 + 1", l.site.cpus)
	}
	return ""
}

// apply sets the value, or records why it cannot.
func (l *loader) apply(s Setting, raw string, from Origin, key string) {
	problem := s.set(&l.out.Settings, raw, l.site)
	if problem == nil {
		l.out.Origins[s.Name] = from
		return
	}
	l.fail(s, &Error{Where: from.place(), Key: key, Value: s.shown(raw), Problem: problem.Error(), Remedy: s.remedy()})
}

func (l *loader) fail(s Setting, err error) {
	l.bad[s.Name] = true
	l.errs = append(l.errs, err)
}

// checkFlags refuses names that are no settings: they come from a program,
// not from its user.
func (l *loader) checkFlags() {
	for _, name := range slices.Sorted(maps.Keys(l.in.Flags)) {
		if _, ok := lookup(l.table, name); !ok {
			l.errs = append(l.errs, fmt.Errorf("cannot use the flag for %q: there is no such setting", name))
		}
	}
}
