package upstream

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	r := newRouter(t, quick(Upstream{Name: "one", BaseURL: up.URL()}))
	reply, text := ask(t, r, chat(`{"model":"m", "x_client" : [1.0, "ü"],"messages":[]}`))
	if reply.Status != 200 || reply.Stream || reply.Upstream != "one" || reply.Attempts != 1 || reply.Length != int64(len(text)) {
		t.Errorf("the reply is %+v for %d bytes", reply, len(text))
	}
	if !strings.Contains(text, `"x_upstream":true`) || reply.Header.Get("Content-Type") != "application/json" {
		t.Errorf("the answer is %s, %v", text, reply.Header)
	}
	seen := up.Last()
	if got := string(seen.Body); got != `{"model":"m", "x_client" : [1.0, "ü"],"messages":[]}` {
		t.Errorf("the upstream got %s", got)
	}
	if seen.Path != "/v1/chat/completions" || seen.Header.Get("Content-Type") != "application/json" || seen.Header.Get("Authorization") != "" {
		t.Errorf("the upstream got %s with %v", seen.Path, seen.Header)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	r := newRouter(t, quick(Upstream{BaseURL: up.URL()}))
	reply, text := ask(t, r, stream())
	if !reply.Stream || reply.Length != -1 || !strings.HasSuffix(text, "data: [DONE]\n\n") {
		t.Errorf("the reply is %+v: %s", reply, text)
	}
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	up, ca := startTLS(t)
	r := newRouter(t, quick(Upstream{BaseURL: up.URL(), CAFile: ca}))
	if _, text := ask(t, r, stream()); !strings.HasSuffix(text, "data: [DONE]\n\n") {
		t.Errorf("the stream is %s", text)
	}
	if got := up.Last().Proto; got != "HTTP/2.0" {
		t.Errorf("asked by %s", got)
	}
	// Without the file nobody vouches for that upstream.
	r = newRouter(t, quick(Upstream{BaseURL: up.URL()}))
	if e := wantError(t, r, chat(question), CodeUnreachable); e.Status != 502 || strings.Contains(e.Message, "127.0.0.1") {
		t.Errorf("the error is %+v", e)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	up.Answer(upstreamtest.Answer{Header: http.Header{
		"X-Request-Id": {"req_1"}, "X-Ratelimit-Remaining-Tokens": {"7"}, "Openai-Processing-Ms": {"5"}, "Set-Cookie": {"a=b"},
		"Openai-Organization": {"org"}, "Access-Control-Allow-Origin": {"*"}, "Keep-Alive": {"timeout=5"}, "Connection": {"x-hop"}, "X-Hop": {"1"},
	}})
	r := newRouter(t, quick(Upstream{
		BaseURL: up.URL() + "?api-version=7", APIKey: "sk-ours", Headers: map[string]string{"OpenAI-Project": "p"}, Forward: []string{"x-team", "authorization"},
	}))
	c := chat(question)
	c.Header = http.Header{
		"Authorization": {"Bearer sk-theirs"}, "Cookie": {"a=b"}, "X-Forwarded-For": {"10.0.0.1"}, "X-Auth-Token": {"secret"}, "Accept-Encoding": {"gzip"},
		"User-Agent": {"client/1"}, "X-Stainless-Lang": {"go"}, "Openai-Project": {"theirs"}, "Openai-Beta": {"b"}, "X-Team": {"t"}, "X-Request-Id": {"id"},
	}
	reply, _ := ask(t, r, c)
	seen := up.Last().Header
	for name, want := range map[string]string{
		"Authorization": "Bearer sk-ours", "Cookie": "", "X-Forwarded-For": "", "X-Auth-Token": "", "Accept-Encoding": "", "X-Idempotency-Key": "",
		"User-Agent": "client/1", "X-Stainless-Lang": "go", "Openai-Project": "p", "Openai-Beta": "b", "X-Team": "t", "X-Request-Id": "id",
	} {
		if got := seen.Get(name); got != want {
			t.Errorf("the upstream got %s %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"X-Request-Id": "req_1", "X-Ratelimit-Remaining-Tokens": "7", "Openai-Processing-Ms": "5", "Set-Cookie": "", "Openai-Organization": "",
		"Access-Control-Allow-Origin": "", "Keep-Alive": "", "Connection": "", "X-Hop": "", "Content-Length": "", "Date": "",
	} {
		if got := reply.Header.Get(name); got != want {
			t.Errorf("the client gets %s %q, want %q", name, got, want)
		}
	}
}

func TestRouting(t *testing.T) {
	t.Parallel()
	a, b := startUpstream(t), startUpstream(t)
	r := newRouter(t, quick(
		Upstream{Name: "a", BaseURL: a.URL(), Routes: []Route{{Match: "gpt-4o"}, {Match: "fast", Rename: "gpt-4o-mini"}, {Match: "a/*", Rename: "*"}}},
		Upstream{Name: "b", BaseURL: b.URL(), Routes: []Route{{Match: "gpt-*"}, {Match: "gpt-5*", Rename: "big-5*"}}},
	))
	for _, tt := range []struct{ model, upstream, name string }{
		{"gpt-4o", "a", "gpt-4o"}, // b would have it too, but a names it
		{"fast", "a", "gpt-4o-mini"},
		{"a/x/y", "a", "x/y"},
		{"gpt-4", "b", "gpt-4"},
		{"gpt-5-pro", "b", "big-5-pro"},
	} {
		c := chat(`{"model":"` + tt.model + `"}`)
		c.Model = tt.model
		reply, text := ask(t, r, c)
		if reply.Upstream != tt.upstream || reply.Model != tt.name || !strings.Contains(text, `"model":"`+tt.name+`"`) {
			t.Errorf("%s was answered by %s as %s: %s", tt.model, reply.Upstream, reply.Model, text)
		}
	}
	c := chat(question)
	if e := wantError(t, r, c, CodeModelNotFound); e.Status != 404 || e.Param != "model" {
		t.Errorf("the error is %+v", e)
	}
	if r.Serves("m") || !r.Serves("gpt-9") {
		t.Error("Serves is wrong about m or gpt-9")
	}
	if got := r.Models(); !slices.Equal(got, []string{"fast", "gpt-4o"}) {
		t.Errorf("the models are %q", got)
	}
}

// The weights share the requests out; the draw is random, so the bounds are far apart.
func TestWeights(t *testing.T) {
	t.Parallel()
	a, b, spare := startUpstream(t), startUpstream(t), startUpstream(t)
	r := newRouter(t, quick(
		Upstream{Name: "a", BaseURL: a.URL(), Weight: 4}, Upstream{Name: "b", BaseURL: b.URL()},
		Upstream{Name: "spare", BaseURL: spare.URL(), Priority: 1, Weight: 100},
	))
	for range 300 {
		ask(t, r, chat(question))
	}
	if got := len(b.Requests()); got < 20 || got > 130 { // 60 on average
		t.Errorf("a fifth of 300 requests is %d", got)
	}
	if got := len(spare.Requests()); got != 0 {
		t.Errorf("the spare upstream got %d requests", got)
	}
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	good := Upstream{BaseURL: "https://api.openai.com/v1"}
	with := func(change func(*Upstream)) Config {
		u := good
		change(&u)
		return quick(u)
	}
	for want, c := range map[string]Config{
		"no upstream":                          {},
		"is taken":                             quick(good, good),
		"needs http:// or https://":            with(func(u *Upstream) { u.BaseURL = "api.openai.com" }),
		"is no URL":                            with(func(u *Upstream) { u.BaseURL = "http://user:pass word@[" }),
		"has a user in it":                     with(func(u *Upstream) { u.BaseURL = "https://me:pass@host/v1" }),
		"weight is -1":                         with(func(u *Upstream) { u.Weight = -1 }),
		"a * that is not":                      with(func(u *Upstream) { u.Routes = []Route{{Match: "a*b"}} }),
		"has a *, but model":                   with(func(u *Upstream) { u.Routes = []Route{{Match: "a", Rename: "b*"}} }),
		"a model without a name":               with(func(u *Upstream) { u.Routes = []Route{{}} }),
		"the API key has a blank":              with(func(u *Upstream) { u.APIKey = "sk-x\n" }),
		`header "Transfer-Encoding" cannot`:    with(func(u *Upstream) { u.Headers = map[string]string{"Transfer-Encoding": "x"} }),
		"cannot read ca_file":                  with(func(u *Upstream) { u.CAFile = "/does/not/exist" }),
		"retries is -1; it cannot be negative": {Upstreams: []Upstream{good}, Retries: -1},
	} {
		_, err := New(c, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "sk-x") || strings.Contains(err.Error(), "pass")) {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
}
