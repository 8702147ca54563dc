package adminhttp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/supervisor/console"
	"github.com/webchasor/webchasor/supervisor/dashboard"
)

// Options are what the admin address is made of.
type Options struct {
	Master  console.Master
	Metrics http.Handler
	Samples dashboard.Samples
	// Token returns the one in force; "" permits nothing. It may be called from any goroutine.
	Token func(context.Context) string
	// Hosts returns more names that are answered for. It may be called from any goroutine.
	Hosts func(context.Context) []string
	// Bound is the address listened on: its host may be asked for by name.
	Bound string
	// Leaving is closed when answers without an end have to come to theirs.
	Leaving <-chan struct{}
}

// Handler answers everything on the admin address.
func Handler(o Options) http.Handler {
	p := probes{o.Master}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", o.Metrics)
	mux.HandleFunc("GET /livez", p.live)
	mux.HandleFunc("GET /readyz", p.ready)
	mux.Handle("GET /api/stream", dashboard.Stream(o.Master, o.Samples, o.Leaving))
	mux.HandleFunc("GET /api/permission", guard(o.Token, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
	mux.Handle("/api/v1/", api(o))
	mux.Handle("/", dashboard.Page())
	return sameHost(o.Bound, o.Hosts, secure(mux))
}

// api is the control API below /api.
func api(o Options) http.Handler {
	all := http.StripPrefix("/api", console.Handler(o.Master, o.Leaving))
	guarded := guard(o.Token, all.ServeHTTP)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && !costly(r.URL.Path) {
			all.ServeHTTP(w, r)
			return
		}
		guarded(w, r)
	})
}

// costly are readings that stop a worker or keep it busy.
func costly(path string) bool {
	return strings.HasSuffix(path, "/stacks") || strings.HasSuffix(path, "/profile")
}

// guard asks for the token. It has to come in a header, which no page of another
// site can make a browser send.
func guard(token func(context.Context) string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		want := token(r.Context())
		if want == "" {
			refuse(w, http.StatusForbidden, "cannot do that here: no admin.token is set, so this address is for reading only; use the control socket, or set ADMIN_TOKEN")
			return
		}
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
		if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="admin"`)
			refuse(w, http.StatusUnauthorized, "cannot do that: the token is missing or wrong; send Authorization: Bearer with the value of admin.token")
			return
		}
		next(w, r)
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(control.Error{Code: control.CodeDenied, Message: message})
}

// sameHost refuses requests for other names: a web page that had its own name resolve to the
// loopback could read everything through its visitor's browser (DNS rebinding).
func sameHost(bound string, more func(context.Context) []string, next http.Handler) http.Handler {
	own, _, _ := net.SplitHostPort(bound)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.Trim(strings.ToLower(host), "[]")
		_, notIP := netip.ParseAddr(host)
		// A browser's names have dots, those of containers and services in one network need not.
		if notIP != nil && host != "" && host != strings.ToLower(own) && strings.Contains(host, ".") && !inside(host) && !named(host, more(r.Context())) {
			http.Error(w, "cannot answer for the host "+r.Host+": ask by address, by a name inside the network (localhost, NAME, NAME.local, NAME.internal, NAME.svc, ...), or by one of admin.hosts",
				http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// named says that a host is in a list. A dot at the end means the same.
func named(host string, list []string) bool {
	return slices.ContainsFunc(list, func(one string) bool {
		return strings.EqualFold(strings.TrimSuffix(one, "."), strings.TrimSuffix(host, "."))
	})
}

// inside are endings that public DNS does not have.
func inside(host string) bool {
	host = strings.TrimSuffix(host, ".")
	for _, end := range []string{".localhost", ".local", ".internal", ".svc", ".svc.cluster.local", ".lan", ".home.arpa"} {
		if strings.HasSuffix(host, end) {
			return true
		}
	}
	return false
}

// secure sets headers for browsers: nothing but our own files runs or is loaded, and
// nobody frames the page.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
