package autopsy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/webchasor/webchasor/internal/control"
)

// Limits bound what a [Store] keeps. Zero fields take the defaults.
type Limits struct {
	Files int   // newest records kept, two files each; default 50
	File  int   // bytes of one file; default 256 KiB
	Total int64 // bytes of all files; default 16 MiB
}

func (l Limits) withDefaults() Limits {
	if l.Files <= 0 {
		l.Files = 50
	}
	if l.File <= 0 {
		l.File = 256 << 10
	}
	if l.Total <= 0 {
		l.Total = 16 << 20
	}
	return l
}

// ErrStillFailing: a record could not be kept, for the same reason as the one
// before. The caller has logged that and may stay quiet.
var ErrStillFailing = errors.New("records of deaths still cannot be kept")

// Store keeps the newest records in <state_dir>/deaths, each as ID.json for
// programs and ID.txt for people, who may have nothing but a shell. The
// directory is made at the first death. Methods block on the disk and may be
// called from any goroutine.
type Store struct {
	dir    string
	limits Limits

	mu      sync.Mutex
	failure string                   // last error, "" after a success
	briefs  map[string]control.Death // what List has read
}

// NewStore keeps records under stateDir. It touches nothing yet.
func NewStore(stateDir string, l Limits) *Store {
	return &Store{dir: filepath.Join(stateDir, "deaths"), limits: l.withDefaults()}
}

// Dir is where the files are.
func (s *Store) Dir() string { return s.dir }

// Path is the text file of a record.
func (s *Store) Path(r Record) string { return filepath.Join(s.dir, r.ID()+suffix) }

// Write keeps one record and returns its text file. Files appear whole or not
// at all (temporary file, then rename), mode 0600. Then the oldest are removed
// until the limits hold; files that are not records are left alone. An error
// beside a file name means that only this cleaning failed. When the same
// failure repeats, the error is [ErrStillFailing].
func (s *Store) Write(r Record) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, err := s.write(r)
	if err == nil {
		s.failure = ""
		return path, nil
	}
	err = fmt.Errorf("cannot keep records of worker deaths in %s (is state_dir writable?): %w", s.dir, err)
	if s.failure == err.Error() {
		return path, ErrStillFailing
	}
	s.failure = err.Error()
	return path, err
}

func (s *Store) write(r Record) (string, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return "", bare(err)
	}
	data, err := r.JSON(s.limits.File)
	if err != nil {
		return "", err
	}
	if err := s.put(r.ID()+dataSuffix, data); err != nil {
		return "", err
	}
	path := s.Path(r)
	if err := s.put(filepath.Base(path), []byte(r.Text(s.limits.File))); err != nil {
		return "", err
	}
	return path, s.prune(r.ID(), r.Time)
}

// put writes one file.
func (s *Store) put(name string, data []byte) error {
	f, err := os.CreateTemp(s.dir, temporary+"*") // mode 0600
	if err != nil {
		return bare(err)
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return bare(err)
	}
	return nil
}

// bare drops the random name of a temporary file, so that a failure that
// repeats reads the same.
func bare(err error) error {
	if p := (*os.PathError)(nil); errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Op, p.Err)
	}
	if l := (*os.LinkError)(nil); errors.As(err, &l) {
		return fmt.Errorf("%s: %w", l.Op, l.Err)
	}
	return err
}

// ID names the record; it sorts by time: 20261122T220759.123Z-pid1234-slot2-timeout.
func (r Record) ID() string {
	return fmt.Sprintf("%s-pid%d-slot%d-%s", r.Time.UTC().Format("20060102T150405.000Z"), r.PID, r.Slot, cleanCause(r.Verdict.Cause))
}

// cleanCause keeps a file name a file name, whatever the cause says.
func cleanCause(c Cause) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r == '-' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, string(c))
}
