package watch

import (
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is where Linux gives up, too (path_resolution(7)).
const maxLinks = 40

// resolve walks an absolute path and returns the places where a change can
// make it mean another file: each symbolic link on the way, the last
// component, and, if the way ends early, the component that is missing. Places
// are paths whose directory is free of symbolic links, so they compare equal
// to the names in events.
func resolve(path string) (places []string) {
	rest := strings.Split(filepath.Clean(path), string(filepath.Separator))
	at, links := string(filepath.Separator), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		place := filepath.Join(at, name)
		info, err := os.Lstat(place)
		if err != nil {
			return append(places, place)
		}
		if info.Mode()&os.ModeSymlink == 0 {
			if at = place; len(rest) == 0 {
				places = append(places, place)
			}
			continue
		}
		places = append(places, place)
		target, err := os.Readlink(place)
		if links++; err != nil || links > maxLinks {
			return places
		}
		if filepath.IsAbs(target) {
			at = string(filepath.Separator)
		}
		// Not cleaned: in "link/.." the link counts.
		rest = append(strings.Split(target, string(filepath.Separator)), rest...)
	}
	return places
}
