package shape

import (
	"strings"
	"testing"

	"github.com/webchasor/webchasor/internal/scoreboard"
)

func TestOf(t *testing.T) {
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/", "GET /"},
		{"GET", "/users/42/orders/7", "GET /users/{n}/orders/{n}"},
		{"GET", "/files/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "GET /files/{id}"},
		{"GET", "/blobs/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08/raw", "GET /blobs/{id}/raw"},
		{"POST", "/v1/chat/completions", "POST /v1/chat/completions"},
		{"GET", "/v2/mp3/index.html", "GET /v2/mp3/index.html"},
		{"GET", "/international-shipping-rates", "GET /international-shipping-rates"},
		{"DELETE", "/a//b/", "DELETE /a//b/"},
		{"GET", "", "GET "},
		{"", "/not/parsed", ""},
	} {
		if got := Of(c.method, c.path); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.method, c.path, got, c.want)
		}
	}
}

// What the scoreboard keeps of a request has the shape of the request.
func TestTheScoreboardSeesTheSame(t *testing.T) {
	path := "/search/" + strings.Repeat("é/1/", scoreboard.PathLen)
	kept := path[:scoreboard.PathLen]
	if Of("GET", path) != Of("GET", kept) {
		t.Error("a long path has two shapes")
	}
	if method := strings.Repeat("X", 2*scoreboard.MethodLen); Of(method, "/") != Of(method[:scoreboard.MethodLen], "/") {
		t.Error("a long method has two shapes")
	}
}
