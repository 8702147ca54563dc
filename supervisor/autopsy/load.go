package autopsy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/webchasor/webchasor/internal/control"
)

// ErrNoRecord: there is no such record.
var ErrNoRecord = errors.New("no such record of a death")

// Newest is the name of the latest record for [Store.Read].
const Newest = "last"

// Brief is the record in short.
func (r Record) Brief() control.Death {
	d := control.Death{
		ID: r.ID(), Time: r.Time, Slot: r.Slot, PID: r.PID,
		Cause: string(r.Verdict.Cause), Text: r.Verdict.Sentence, Lost: r.Lost(),
		Uptime: control.Sec(r.Uptime), Signal: r.Signal, ExitCode: r.Code,
	}
	if q, ok := r.Culprit(); ok {
		d.Culprit = oneLine(q.Method+" "+q.Path, maxField)
	}
	return d
}

// List returns the records that are kept, the newest first, at most limit; 0
// is all. Those of earlier masters are there too. A record that cannot be read
// is left out. It blocks on the disk; each file is read once.
func (s *Store) List(limit int) ([]control.Death, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids, err := s.ids()
	if err != nil {
		return nil, err
	}
	if limit > 0 && len(ids) > limit {
		ids = ids[:limit]
	}
	briefs := make(map[string]control.Death, len(ids))
	list := make([]control.Death, 0, len(ids))
	for _, id := range ids {
		brief, known := s.briefs[id]
		if !known {
			r, _, err := s.read(id)
			if err != nil {
				continue
			}
			brief = r.Brief()
		}
		briefs[id] = brief
		list = append(list, brief)
	}
	s.briefs = briefs
	return list, nil
}

// Read finds a record by its id, by a part of it that no other has, or as
// [Newest], and returns it with its JSON. The error is [ErrNoRecord], or says
// why it cannot be read. It blocks on the disk.
func (s *Store) Read(name string) (Record, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids, err := s.ids()
	if err != nil {
		return Record{}, nil, err
	}
	id, err := pick(ids, name)
	if err != nil {
		return Record{}, nil, err
	}
	return s.read(id)
}

func pick(ids []string, name string) (string, error) {
	if name == Newest && len(ids) > 0 {
		return ids[0], nil
	}
	if slices.Contains(ids, name) {
		return name, nil
	}
	var found []string
	for _, id := range ids {
		if name != "" && strings.Contains(id, name) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("%w: %q (the newest %d are kept)", ErrNoRecord, name, len(ids))
	default:
		return "", fmt.Errorf("%w: %q is in the names of %d, e.g. %s and %s", ErrNoRecord, name, len(found), found[0], found[1])
	}
}

// ids are the records on disk, the newest first. s.mu is held.
func (s *Store) ids() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list records of worker deaths in %s: %w", s.dir, bare(err))
	}
	var ids []string
	for _, e := range entries {
		if id, ok := recordID(e.Name()); ok && strings.HasSuffix(e.Name(), dataSuffix) {
			ids = append(ids, id)
		}
	}
	slices.Reverse(ids)
	return ids, nil
}

func (s *Store) read(id string) (Record, []byte, error) {
	path := filepath.Join(s.dir, id+dataSuffix)
	text, err := os.ReadFile(path)
	if err != nil {
		return Record{}, nil, fmt.Errorf("cannot read the record of a death: %w", err)
	}
	r, err := Parse(text)
	if err != nil {
		return Record{}, nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, text, nil
}
