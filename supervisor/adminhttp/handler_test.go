package adminhttp

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serve answers as the admin address does, less the master: nothing asked here gets that far.
func serve(t *testing.T, token string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(Handler(Options{
		Metrics: http.NotFoundHandler(),
		Token:   func(context.Context) string { return token },
		Hosts:   func(context.Context) []string { return []string{"app1.example.com"} },
		Bound:   "admin.example.com:9100",
	}))
	t.Cleanup(s.Close)
	return s
}

// ask sends one request; host is the name that the browser believes to talk to.
func ask(t *testing.T, s *httptest.Server, method, path, host, authorization string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func TestWhatChangesSomethingNeedsTheToken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, path, token, authorization string
		want                                     int
		says                                     string
	}{
		{"right", "GET", "/api/permission", "secret", "Bearer secret", http.StatusNoContent, ""},
		{"none given", "GET", "/api/permission", "secret", "", http.StatusUnauthorized, "missing or wrong"},
		{"wrong", "GET", "/api/permission", "secret", "Bearer secre", http.StatusUnauthorized, "missing or wrong"},
		{"longer", "GET", "/api/permission", "secret", "Bearer secrets", http.StatusUnauthorized, "missing or wrong"},
		{"another scheme", "GET", "/api/permission", "secret", "Basic secret", http.StatusUnauthorized, "missing or wrong"},
		{"none set, none given", "GET", "/api/permission", "", "", http.StatusForbidden, "ADMIN_TOKEN"},
		{"none set, an empty one given", "GET", "/api/permission", "", "Bearer ", http.StatusForbidden, "ADMIN_TOKEN"},
		{"reload", "POST", "/api/v1/reload", "secret", "", http.StatusUnauthorized, "missing or wrong"},
		{"scale", "POST", "/api/v1/scale", "secret", "Bearer guess", http.StatusUnauthorized, "missing or wrong"},
		{"a delete", "DELETE", "/api/v1/deaths", "secret", "", http.StatusUnauthorized, "missing or wrong"},
		{"stacks stop a worker", "GET", "/api/v1/workers/0/stacks", "secret", "", http.StatusUnauthorized, "missing or wrong"},
		{"a profile keeps one busy", "GET", "/api/v1/workers/0/profile", "secret", "", http.StatusUnauthorized, "missing or wrong"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			answer, body := ask(t, serve(t, c.token), c.method, c.path, "localhost", c.authorization)
			if answer.StatusCode != c.want || !strings.Contains(body, c.says) {
				t.Errorf("%d %q, want %d and %q", answer.StatusCode, body, c.want, c.says)
			}
			if challenge := answer.Header.Get("WWW-Authenticate"); (c.want == http.StatusUnauthorized) != (challenge != "") {
				t.Errorf("%d with the challenge %q", answer.StatusCode, challenge)
			}
		})
	}
}

// A web page may give its own name the address of the loopback, and would then read this with its visitor's browser.
func TestForeignNamesAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	for host, want := range map[string]int{
		"127.0.0.1:9100":            http.StatusOK,
		"[::1]:9100":                http.StatusOK,
		"[::1]":                     http.StatusOK,
		"10.1.2.3":                  http.StatusOK,
		"localhost:9100":            http.StatusOK,
		"LOCALHOST":                 http.StatusOK,
		"webchasor:9100":            http.StatusOK, // a container's name
		"api.default.svc":           http.StatusOK,
		"api.ns.svc.cluster.local.": http.StatusOK,
		"printer.local":             http.StatusOK,
		"admin.example.com:9100":    http.StatusOK, // what it listens on
		"Admin.Example.com":         http.StatusOK,
		"app1.example.com:9100":     http.StatusOK, // one of admin.hosts
		"APP1.example.com.":         http.StatusOK,
		"xapp1.example.com":         http.StatusMisdirectedRequest,
		"evil.example.com":          http.StatusMisdirectedRequest,
		"evil.example.com:9100":     http.StatusMisdirectedRequest,
		"127.0.0.1.evil.com":        http.StatusMisdirectedRequest,
		"localhost.evil.com":        http.StatusMisdirectedRequest,
		"evillocal.com":             http.StatusMisdirectedRequest,
		"x.admin.example.com":       http.StatusMisdirectedRequest,
	} {
		if answer, _ := ask(t, s, "GET", "/", host, ""); answer.StatusCode != want {
			t.Errorf("host %q: %d, want %d", host, answer.StatusCode, want)
		}
	}
}

func TestBrowsersRunOnlyOurFiles(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	for path, status := range map[string]int{"/": 200, "/dashboard.js": 200, "/chart.js": 200, "/dashboard.css": 200, "/icon.svg": 200, "/page.go": 404, "/api/permission": 403} {
		answer, _ := ask(t, s, "GET", path, "localhost", "")
		if answer.StatusCode != status {
			t.Errorf("%s: %d, want %d", path, answer.StatusCode, status)
		}
		policy := "; " + answer.Header.Get("Content-Security-Policy") + ";"
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(policy, "; "+want+";") {
				t.Errorf("%s: the policy %q lacks %q", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy %q permits something unsafe", path, policy)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store"} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}
