package autopsy

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	suffix     = ".txt"
	dataSuffix = ".json"
	temporary  = ".death-" // a record being written, or left behind by a crash
)

// recordName matches the files of a record, and nothing that somebody else put there.
var recordName = regexp.MustCompile(`^(\d{8}T\d{6}\.\d{3}Z-pid\d+-slot-?\d+-[a-zA-Z0-9_-]*)\.(txt|json)$`)

// recordID splits a file's name; ok is false for files that are not ours.
func recordID(name string) (id string, ok bool) {
	m := recordName.FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// abandoned is the age at which a temporary file is nobody's work any more.
// Younger ones may belong to the other master of an upgrade under way.
const abandoned = time.Hour

// prune removes the oldest records until the limits hold, and temporary files
// of a master that died while writing. The record named keep stays, even if
// the clock was set back and it sorts first.
func (s *Store) prune(keep string, now time.Time) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return bare(err)
	}
	var failed error
	remove := func(name string) {
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = bare(err)
		}
	}
	sizes := make(map[string]int64)    // by record
	files := make(map[string][]string) // by record
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, temporary) {
			if i, err := e.Info(); err == nil && now.Sub(i.ModTime()) > abandoned {
				remove(name)
			}
			continue
		}
		id, ours := recordID(name)
		if !ours || !e.Type().IsRegular() {
			continue
		}
		files[id] = append(files[id], name)
		if i, err := e.Info(); err == nil {
			sizes[id] += i.Size()
		}
	}
	kept, total := 1, sizes[keep]
	// Newest first: what exceeds the limits is at the end.
	full := false
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(files))) {
		if id == keep {
			continue
		}
		full = full || kept+1 > s.limits.Files || total+sizes[id] > s.limits.Total
		if full {
			for _, name := range files[id] {
				remove(name)
			}
			continue
		}
		kept++
		total += sizes[id]
	}
	return failed
}
