// Package shape says which requests are of one kind: the same method and the
// same path, with the parts that only name an object left out. Master and
// workers have to agree on it, so it sees no more than the scoreboard keeps:
// no query, and the beginning of a very long path.
package shape

import (
	"strings"

	"github.com/webchasor/webchasor/internal/scoreboard"
)

// Placeholders of path segments that only name an object.
const (
	number = "{n}"  // digits
	name   = "{id}" // a UUID, a hash or another long token with digits
)

// Of is the shape of a request, e.g. "GET /users/{n}". A request that was not
// parsed yet has none, "".
func Of(method, path string) string {
	if method == "" {
		return ""
	}
	method = method[:min(len(method), scoreboard.MethodLen)]
	path = path[:min(len(path), scoreboard.PathLen)]
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = segment(s)
	}
	return method + " " + strings.Join(segments, "/")
}

// minToken is the length from which a segment of letters and digits is a name:
// shorter ones like "v1" or "mp3" are part of the route.
const minToken = 16

func segment(s string) string {
	digits, others := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
		default:
			others++
		}
	}
	switch {
	case len(s) > 0 && digits == len(s):
		return number
	case len(s) >= minToken && others == 0 && digits*8 >= len(s):
		return name
	}
	return s
}
