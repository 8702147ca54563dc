package api

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

var rewrite = flag.Bool("rewrite", false, "record the responses in testdata/*.golden anew")

// TestShapes compares whole responses with recorded ones.
func TestShapes(t *testing.T) {
	const path = "/v1/chat/completions"
	tests := []struct {
		name, method, uri, body string
		headers                 []string
		draining                bool
	}{
		{name: "index", method: "GET", uri: "/"},
		{name: "health", method: "GET", uri: "/health"},
		{name: "health_draining", method: "GET", uri: "/health", draining: true},
		{name: "ready", method: "GET", uri: "/ready"},
		{name: "ready_draining", method: "GET", uri: "/ready", draining: true},
		{name: "models", method: "GET", uri: "/v1/models"},
		{name: "model", method: "GET", uri: "/v1/models/echo"},
		{name: "model_unknown", method: "GET", uri: "/v1/models/gpt-9"},
		{name: "chat", method: "POST", uri: path, body: hello},
		{name: "chat_length", method: "POST", uri: path, body: `{"messages":[{"role":"user","content":"Hello, little world"}],"max_tokens":2}`},
		{name: "chat_unicode", method: "POST", uri: path, body: `{"messages":[{"role":"user","content":"你好 <b>&\u2028 \ud83d\udc69\u200d\ud83d\ude80 \ud800"}]}`},
		{name: "chat_parts", method: "POST", uri: path, body: `{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":[{"type":"text","text":"What is "},{"type":"image_url","image_url":{"url":"x"}},{"type":"text","text":"this?"}]},{"role":"assistant","content":null,"tool_calls":[]}]}`},
		{name: "chat_override", method: "POST", uri: path, body: `{"messages":[{"role":"user","content":"a b c"}],"webchasor":{"tokens":5}}`, headers: []string{"X-Echo-Tokens: 2"}},
		{name: "chat_override_header", method: "POST", uri: path, body: `{"messages":[{"role":"user","content":"a b c"}]}`, headers: []string{"X-Echo-Tokens: 2"}},
		{name: "chat_form_type", method: "POST", uri: path, body: hello, headers: []string{"Content-Type: application/x-www-form-urlencoded"}},
		{name: "stream", method: "POST", uri: path, body: helloStream},
		{name: "stream_usage", method: "POST", uri: path, body: `{"stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":1,"messages":[{"role":"user","content":"Hello, world"}]}`},
		{name: "stream_empty", method: "POST", uri: path, body: `{"stream":true,"messages":[{"role":"user","content":""}]}`},
		{name: "error_model", method: "POST", uri: path, body: `{"model":"gpt-9","messages":[{"role":"user","content":"x"}]}`},
		{name: "error_json", method: "POST", uri: path, body: `{"model":`},
		{name: "error_empty", method: "POST", uri: path},
		{name: "error_missing", method: "POST", uri: path, body: `{"model":"echo"}`},
		{name: "error_type", method: "POST", uri: path, body: `{"messages":"hi"}`},
		{name: "error_encoding", method: "POST", uri: path, body: hello, headers: []string{"Content-Encoding: gzip"}},
		{name: "error_large", method: "POST", uri: path, body: strings.Repeat(" ", maxBody+1)},
		{name: "error_route", method: "GET", uri: "/v1/nothing"},
		{name: "error_method", method: "GET", uri: path},
		{name: "error_method_read", method: "DELETE", uri: "/v1/models"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeHost(t)
			f.draining = tt.draining
			s := newTestServer(testLimits, f)
			resp := call(s, tt.method, tt.uri, tt.body, tt.headers...)
			got := render(resp) + f.out.sent.String()
			golden(t, tt.name, got)
			wantIdle(t, s)
			if again := render(call(s, tt.method, tt.uri, tt.body, tt.headers...)); !strings.HasPrefix(got, again) {
				t.Errorf("the same request had another answer:\n%s", again)
			}
		})
	}
}

// render prints a response with its headers in a fixed order.
func render(resp *fasthttp.Response) string {
	var headers []string
	for k, v := range resp.Header.All() {
		if name := string(k); name != "Content-Length" && name != "Date" {
			headers = append(headers, fmt.Sprintf("%s: %s\n", name, v))
		}
	}
	sort.Strings(headers)
	return fmt.Sprintf("%d\n%s\n%s", resp.StatusCode(), strings.Join(headers, ""), resp.Body())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *rewrite {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (record it with: go test ./app/api -run TestShapes -rewrite)", err)
	}
	if got+"\n" != string(want) {
		t.Errorf("the response has changed\n--- got\n%s\n--- want\n%s", got, want)
	}
}
