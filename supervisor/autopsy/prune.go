package autopsy

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	suffix    = ".txt"
	temporary = ".death-" // a record being written, or left behind by a crash
)

// recordName matches what fileName makes, and nothing that somebody else put there.
var recordName = regexp.MustCompile(`^\d{8}T\d{6}\.\d{3}Z-pid\d+-slot-?\d+-[a-z0-9_-]*\.txt$`)

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
	remove := func(name string) bool {
		err := os.Remove(filepath.Join(s.dir, name))
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return true
		}
		failed = bare(err)
		return false
	}
	// Newest first: what exceeds the limits is at the end. ReadDir sorts by name.
	files, total := 1, int64(0)
	slices.Reverse(entries)
	if i, err := os.Lstat(filepath.Join(s.dir, keep)); err == nil {
		total = i.Size()
	}
	full := false
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, temporary) {
			if i, err := e.Info(); err == nil && now.Sub(i.ModTime()) > abandoned {
				remove(name)
			}
			continue
		}
		if name == keep || !e.Type().IsRegular() || !recordName.MatchString(name) {
			continue
		}
		var size int64
		if i, err := e.Info(); err == nil {
			size = i.Size()
		}
		full = full || files+1 > s.limits.Files || total+size > s.limits.Total
		if full && remove(name) {
			continue
		}
		files++
		total += size
	}
	return failed
}
