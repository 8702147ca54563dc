package cache

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestWhatIsCached(t *testing.T) {
	t.Parallel()
	c := newCache(t, Config{}, nil)
	use := http.Header{HeaderAsk: {"use"}}
	for name, tt := range map[string]struct {
		path, body string
		header     http.Header
		want       bool
	}{
		"temperature 0":      {"/v1/chat/completions", `{"temperature":0}`, nil, true},
		"temperature 0.0":    {"/chat/completions", `{"temperature":0.0}`, nil, true},
		"temperature 1":      {"/v1/chat/completions", `{"temperature":1}`, nil, false},
		"tiny temperature":   {"/v1/chat/completions", `{"temperature":0.0001}`, nil, false},
		"temperature text":   {"/v1/chat/completions", `{"temperature":"0"}`, nil, false},
		"no temperature":     {"/v1/chat/completions", `{}`, nil, false},
		"seed":               {"/v1/chat/completions", `{"seed":7,"temperature":1}`, nil, true},
		"no seed":            {"/v1/chat/completions", `{"seed":null}`, nil, false},
		"asked":              {"/v1/chat/completions", `{"temperature":1}`, use, true},
		"declined":           {"/v1/chat/completions", `{"temperature":0}`, http.Header{HeaderAsk: {"no"}}, false},
		"no-store":           {"/v1/chat/completions", `{"temperature":0}`, http.Header{"Cache-Control": {"max-age=0, No-Store"}}, false},
		"no-cache":           {"/v1/chat/completions", `{"temperature":0}`, http.Header{HeaderAsk: {"use"}, "Cache-Control": {"x", "no-cache"}}, false},
		"stored at upstream": {"/v1/chat/completions", `{"temperature":0,"store":true}`, use, false},
		"embeddings":         {"/v1/embeddings", `{"input":"x"}`, nil, true},
		"completions":        {"/v1/completions", `{"temperature":0}`, nil, true},
		"responses":          {"/v1/responses", `{"temperature":0}`, use, false},
		"twice":              {"/v1/chat/completions", `{"temperature":0,"model":"a","model":"b"}`, nil, false},
		"twice, deeper":      {"/v1/chat/completions", `{"temperature":0,"x":[{"a":1,"\u0061":2}]}`, nil, false},
		"too deep":           {"/v1/chat/completions", `{"temperature":0,"x":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`, nil, false},
		"no object":          {"/v1/embeddings", `[1]`, nil, false},
		"no JSON":            {"/v1/embeddings", `{"a"`, nil, false},
		"more than one":      {"/v1/embeddings", `{} {}`, nil, false},
		"nothing":            {"/v1/embeddings", ` `, nil, false},
	} {
		if _, got := c.Key(Request{Path: tt.path, Body: []byte(tt.body), Header: tt.header}); got != tt.want {
			t.Errorf("%s: %s to %s is cached: %v, want %v", name, tt.body, tt.path, got, tt.want)
		}
	}
}

func TestWhatIsTheSame(t *testing.T) {
	t.Parallel()
	c := newCache(t, Config{}, nil)
	base := keyOf(t, c, `{"model":"m","temperature":0,"messages":[{"role":"user","content":"ü"}],"seed":9007199254740993}`)
	for _, same := range []string{
		"{ \"seed\" : 9007199254740993, \"messages\":[ {\"content\":\"\\u00fc\",\"role\":\"user\"}],\n\"temperature\":0,\"model\":\"m\"}",
		`{"user":"u","metadata":{"a":"b"},"safety_identifier":"s","service_tier":"flex","stream":false,"model":"m","temperature":0,"messages":[{"role":"user","content":"ü"}],"seed":9007199254740993}`,
	} {
		if keyOf(t, c, same) != base {
			t.Errorf("another key for %s", same)
		}
	}
	for _, other := range []string{
		`{"model":"m","temperature":0,"messages":[{"role":"user","content":"ü"}],"seed":9007199254740992}`,
		`{"model":"M","temperature":0,"messages":[{"role":"user","content":"ü"}],"seed":9007199254740993}`,
		`{"model":"m","temperature":0,"messages":[{"role":"user","content":"ü "}],"seed":9007199254740993}`,
		`{"stream":true,"model":"m","temperature":0,"messages":[{"role":"user","content":"ü"}],"seed":9007199254740993}`,
		`{"n":1,"model":"m","temperature":0,"messages":[{"role":"user","content":"ü"}],"seed":9007199254740993}`,
	} {
		if keyOf(t, c, other) == base {
			t.Errorf("the same key for %s", other)
		}
	}
}

func TestWhoseItIs(t *testing.T) {
	t.Parallel()
	key := func(c Config, path, client string) Key {
		k, ok := newCache(t, c, nil).Key(Request{Path: path, Client: client, Body: []byte(question)})
		if !ok {
			t.Fatal("not cached")
		}
		return k
	}
	base := key(Config{}, "/v1/chat/completions", "alice")
	if base != key(Config{}, "/chat/completions", "alice") {
		t.Error("the /v1 makes a difference")
	}
	for name, other := range map[string]Key{
		"client":    key(Config{}, "/chat/completions", "bob"),
		"path":      key(Config{}, "/completions", "alice"),
		"namespace": key(Config{Namespace: "n"}, "/chat/completions", "alice"),
		"shared":    key(Config{Shared: true}, "/chat/completions", "alice"),
	} {
		if other == base {
			t.Errorf("the %s makes no difference", name)
		}
	}
	if key(Config{Shared: true}, "/completions", "alice") != key(Config{Shared: true}, "/completions", "bob") {
		t.Error("a shared cache asks for the client")
	}
}

// Upstreams see these headers: another value is another question.
func TestForwardedHeadersAreAsked(t *testing.T) {
	t.Parallel()
	c := newCache(t, Config{Headers: []string{"X-A", "X-Tenant"}}, nil)
	key := func(h http.Header) Key {
		k, ok := c.Key(Request{Path: "/embeddings", Body: []byte(question), Header: h})
		if !ok {
			t.Fatal("not cached")
		}
		return k
	}
	seen := map[Key]http.Header{}
	for _, h := range []http.Header{
		nil,
		{"X-Tenant": {"a"}},
		{"X-Tenant": {"b"}},
		{"X-Tenant": {"a", "b"}},
		{"X-Tenant": {""}},
		{"X-A": {"X-Tenant", "1"}},
		{"X-Tenant": {"X-Tenant", "1"}},
	} {
		if other, twice := seen[key(h)]; twice {
			t.Errorf("the same key for %v and %v", h, other)
		}
		seen[key(h)] = h
	}
	if key(http.Header{"X-Other": {"a"}}) != key(nil) {
		t.Error("a header that no upstream sees makes a difference")
	}
}

// Whatever a body is, it gets the same key when its JSON is written differently.
func FuzzKey(f *testing.F) {
	for _, s := range []string{question, `{"seed":1,"a":[1.0,{"b":"\u2028"}]}`, `{"seed":1,"a":1,"a":2}`, `[`, `{"seed":1e400}`} {
		f.Add([]byte(s))
	}
	c := &Cache{}
	f.Fuzz(func(t *testing.T, body []byte) {
		k, ok := c.Key(Request{Path: "/embeddings", Body: body})
		if !ok {
			return
		}
		fields, ok := object(body)
		if !ok {
			t.Fatalf("%q has a key and is no object", body)
		}
		again, err := json.MarshalIndent(fields, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if l, ok := c.Key(Request{Path: "/embeddings", Body: again}); !ok || l != k {
			t.Fatalf("%q and %q have different keys", body, again)
		}
	})
}
