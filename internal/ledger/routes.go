package ledger

import "strings"

// Router finds the number of a path's route. The zero Router knows none. It
// is immutable, so any goroutine may use it.
type Router struct {
	exact    map[string]uint8
	prefixes []prefix
}

type prefix struct {
	text  string
	route uint8
}

// Router for these routes: paths, or beginnings of paths that end in "*". Those
// without a number count as [Other]. Longer beginnings win.
func (l *Ledger) Router(routes []string) *Router {
	r := &Router{exact: make(map[string]uint8)}
	for number, known := range l.Routes() {
		for _, route := range routes {
			if route[:min(len(route), NameLen)] != known || number == 0 {
				continue
			}
			if text, ok := strings.CutSuffix(route, "*"); ok {
				r.prefixes = append(r.prefixes, prefix{text, uint8(number)})
			} else {
				r.exact[route] = uint8(number)
			}
		}
	}
	return r
}

// Find returns the number of the route that path belongs to. It does not keep
// path and does not allocate.
func (r *Router) Find(path []byte) uint8 {
	if r == nil {
		return 0
	}
	if n, ok := r.exact[string(path)]; ok {
		return n
	}
	best, length := uint8(0), -1
	for _, p := range r.prefixes {
		if len(p.text) > length && len(path) >= len(p.text) && string(path[:len(p.text)]) == p.text {
			best, length = p.route, len(p.text)
		}
	}
	return best
}
