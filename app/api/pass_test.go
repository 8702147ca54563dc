package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app/api/limit"
	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
	"github.com/webchasor/webchasor/internal/config"
)

// behind serves the API in front of a scripted upstream.
func behind(t *testing.T, change func(*config.API)) (*upstreamtest.Server, *server, *http.Client) {
	t.Helper()
	up, err := upstreamtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	s := testLimits
	s.OpenAI = config.OpenAI{BaseURL: up.URL(), APIKey: "sk-upstream", Models: []string{"*"}}
	if change != nil {
		change(&s)
	}
	srv, client := onWire(t, s)
	return up, srv, client
}

func post(t *testing.T, client *http.Client, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	return send(t, client, "POST", path, strings.NewReader(body), headers...)
}

// idleSoon waits for the permits of streams, which come back just after the last byte.
func idleSoon(t *testing.T, s *server) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for s.limits.Load().LLM > 0 && time.Now().Before(deadline) {
		<-time.After(time.Millisecond)
	}
	wantIdle(t, s)
}

// TestPassKeepsEveryByte: both ways, on every endpoint, whatever the fields are.
func TestPassKeepsEveryByte(t *testing.T) {
	up, s, client := behind(t, nil)
	const said = `{"unknown" : [1.0, 2e5,  "\u00e9"],"id":"x"}` + "\n"
	up.Answer(upstreamtest.Answer{Body: said, Header: http.Header{"X-Ratelimit-Remaining-Requests": {"7"}, "Openai-Processing-Ms": {"12"}}})
	for path, body := range map[string]string{
		"/v1/chat/completions": `{ "model":"m", "messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:"}}]}], "n":3, "stop":["a"], "logprobs":true, "next_year":{"a":[null]} }`,
		"/v1/completions":      `{"model":"m","prompt":[1,2,3],"suffix":"x"}`,
		"/v1/embeddings":       `{"model":"m","input":"text","dimensions":9}`,
		"/v1/responses":        `{"model":"m","input":[{"role":"user","content":"x"}],"store":false}`,
	} {
		resp, got := post(t, client, path, body, "Authorization: Bearer sk-client", "Cookie: a=b", "OpenAI-Beta: x")
		seen := up.Last()
		if resp.StatusCode != 200 || got != said || resp.Header.Get("X-Ratelimit-Remaining-Requests") != "7" || resp.Header.Get("Openai-Processing-Ms") != "12" {
			t.Errorf("%s: %d %v %q", path, resp.StatusCode, resp.Header, got)
		}
		if string(seen.Body) != body || seen.Path != path || seen.Header.Get("Authorization") != "Bearer sk-upstream" || seen.Header.Get("Cookie") != "" || seen.Header.Get("Openai-Beta") != "x" {
			t.Errorf("%s: the upstream saw %s %v %s", path, seen.Path, seen.Header, seen.Body)
		}
	}
	wantIdle(t, s)
}

// TestPassRenames: only the model's name changes on the way.
func TestPassRenames(t *testing.T) {
	up, _, client := behind(t, func(s *config.API) {
		s.OpenAI = config.OpenAI{Upstreams: []config.Upstream{{Name: "a", BaseURL: s.OpenAI.BaseURL, Rename: map[string]string{"fast": "gpt-mini"}}}}
	})
	post(t, client, "/v1/embeddings", `{"model": "fast" ,"input":"x","z":1.50}`)
	if got := string(up.Last().Body); got != `{"model": "gpt-mini" ,"input":"x","z":1.50}` {
		t.Errorf("the upstream saw %s", got)
	}
	post(t, client, "/v1/embeddings", `{"model":"other","input":"x"}`)
	if got := up.Last().Model; got != "other" {
		t.Errorf("the upstream was asked for %q", got)
	}
}

const passStreamBody = `{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}`

// TestPassStreamAtOnce: headers and events come when the upstream has said them.
func TestPassStreamAtOnce(t *testing.T) {
	up, s, client := behind(t, nil)
	up.Answer(upstreamtest.Answer{Text: "one two", StallAfter: 1})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	resp := begin(ctx, t, client, passStreamBody)
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		t.Errorf("content type %q", kind)
	}
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "data: {") {
		t.Errorf("first line %q, %v", line, err)
	}
	if got := s.limits.Load().LLM; got != 1 {
		t.Errorf("%d permits in a stream, want 1", got)
	}
	up.CloseConnections()
	rest, _ := io.ReadAll(resp.Body)
	if !strings.Contains(string(rest), `data: {"error":{`) || strings.Contains(string(rest), "[DONE]") {
		t.Errorf("a broken stream ends with %q", rest)
	}
	idleSoon(t, s)
}

// TestPassedStreamNeverBegins: a client that has gone before its response is written has
// no stream, so nothing but its context's end gives permit and upstream back.
func TestPassedStreamNeverBegins(t *testing.T) {
	t.Parallel()
	up, err := upstreamtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	up.Answer(upstreamtest.Answer{StallAfter: 1})
	limits := testLimits
	limits.OpenAI = config.OpenAI{BaseURL: up.URL(), Models: []string{"*"}}
	f := newFakeHost(t)
	s := newTestServer(limits, f)
	t.Cleanup(s.close)
	s.host.stream = func(*fasthttp.RequestCtx, func(context.Context, Writer) error) {}
	chat(s, `{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}`)
	if got := s.limits.Load().LLM; got != 1 {
		t.Fatalf("%d LLM permits in use before the stream, want 1", got)
	}
	f.end(errTestGone)
	idleSoon(t, s)
	deadline := time.Now().Add(30 * time.Second)
	for up.Active() > 0 && time.Now().Before(deadline) {
		<-time.After(time.Millisecond)
	}
	if up.Active() > 0 {
		t.Error("the upstream still answers")
	}
}

// TestHeartbeats: comments stand in silences, never inside an event, and a whole
// stream is the same without them.
func TestHeartbeats(t *testing.T) {
	up, s, client := behind(t, func(s *config.API) { s.Heartbeat = 10 * time.Millisecond })
	up.Answer(upstreamtest.Answer{Text: "one two three", FirstDelay: 100 * time.Millisecond, TokenDelay: 50 * time.Millisecond})
	_, body := post(t, client, "/v1/chat/completions", passStreamBody)
	beats := 0
	for _, event := range strings.SplitAfter(body, "\n\n") {
		switch {
		case event == heartbeatLine:
			beats++
		case event != "" && !strings.HasPrefix(event, "data: "):
			t.Errorf("an event like %q", event)
		}
	}
	if last, _ := lastEvent(t, strings.ReplaceAll(body, heartbeatLine, "")); beats == 0 || last != "[DONE]" {
		t.Errorf("%d heartbeats, last event %q in %q", beats, last, body)
	}
	idleSoon(t, s)
}

// TestHeartbeatsBeforeTheFirstByte: an upstream that says nothing does not keep the
// client without a sign, and what it says later arrives in the stream.
func TestHeartbeatsBeforeTheFirstByte(t *testing.T) {
	up, s, client := behind(t, func(s *config.API) { s.Heartbeat, s.OpenAI.Retries = 10*time.Millisecond, 0 })
	responses := func(body string) string { return strings.ReplaceAll(body, heartbeatLine, "") }
	for name, tt := range map[string]struct {
		answer upstreamtest.Answer
		path   string
		want   string
	}{
		"stream":    {upstreamtest.Answer{Text: "one"}, "chat/completions", "data: [DONE]\n\n"},
		"refusal":   {upstreamtest.Answer{Status: 429}, "chat/completions", `"type":"rate_limit_error"`},
		"plain":     {upstreamtest.Answer{Body: `{"id":"x"}`}, "chat/completions", `"code":"upstream_bad_response"`},
		"broken":    {upstreamtest.Answer{BreakAfter: -1}, "chat/completions", `"code":"upstream_broken"`},
		"responses": {upstreamtest.Answer{Status: 400}, "responses", "event: error\ndata: {\"type\":\"error\""},
	} {
		tt.answer.Delay = 100 * time.Millisecond
		up.Answer(tt.answer)
		resp, body := post(t, client, "/v1/"+tt.path, passStreamBody)
		if resp.StatusCode != 200 || !strings.HasPrefix(body, heartbeatLine) || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %q", name, resp.StatusCode, body)
		}
		if whole := strings.Contains(body, "[DONE]"); whole != (name == "stream") || !strings.HasSuffix(responses(body), "\n\n") {
			t.Errorf("%s: it ends with %q", name, body)
		}
		idleSoon(t, s)
	}
	// One that answers at once has its own status.
	s.heartbeat = time.Minute
	up.Answer(upstreamtest.Answer{Status: 429})
	if resp, _ := post(t, client, "/v1/chat/completions", passStreamBody); resp.StatusCode != 429 {
		t.Errorf("a refusal at once: %d", resp.StatusCode)
	}
}

// A client that leaves before the first byte ends the call, with heartbeats too.
func TestLeavingASilentStream(t *testing.T) {
	up, s, client := behind(t, func(s *config.API) { s.Heartbeat = 10 * time.Millisecond })
	up.Answer(upstreamtest.Answer{StallAfter: -1})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	resp := begin(ctx, t, client, passStreamBody)
	defer resp.Body.Close()
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != ": heartbeat\n" {
		t.Errorf("the first line is %q, %v", line, err)
	}
	leave()
	idleSoon(t, s)
}

// TestEchoHeartbeats: the built-in model pauses too.
func TestEchoHeartbeats(t *testing.T) {
	s := testLimits
	s.Heartbeat = 10 * time.Millisecond
	srv, client := onWire(t, s)
	_, body := post(t, client, "/v1/chat/completions", helloStream, "X-Echo-First-Token-Delay: 100ms")
	if !strings.Contains(body, heartbeatLine) || !strings.HasSuffix(body, "data: [DONE]\n\n") {
		t.Errorf("a slow echo: %q", body)
	}
	idleSoon(t, srv)
}

// TestEndWithoutDone: an upstream that closes in good order has not said that it is whole.
func TestEndWithoutDone(t *testing.T) {
	up, s, client := behind(t, nil)
	events := func(h http.Header, body string) { up.Answer(upstreamtest.Answer{Header: h, Body: body}) }
	stream := http.Header{"Content-Type": {"text/event-stream"}, "X-Cache": {"HIT from a proxy"}}
	const piece = `data: {"choices":[]}` + "\n\n"
	for name, tt := range map[string]struct {
		path, body string
		told       int // errors
	}{
		"whole":            {"chat/completions", piece + "data: [DONE]\n\n", 0},
		"cut":              {"chat/completions", piece, 1},
		"nothing":          {"completions", "", 1},
		"its own error":    {"chat/completions", piece + "data: {\"error\":{\"message\":\"x\"}}\n\n", 1},
		"spaces":           {"chat/completions", "data: { \"error\": {\"message\":\"a long message that is more than a line's beginning\"}}\n\n", 1},
		"response":         {"responses", "event: response.completed\ndata: {}\n\n", 0},
		"cut response":     {"responses", "event: response.created\ndata: {}\n\n", 1},
		"response's error": {"responses", "event: error\ndata: {\"type\":\"error\"}\n\n", 1},
	} {
		body := tt.body
		if body == "" {
			body = ": nothing\n\n"
		}
		events(stream, body)
		resp, got := post(t, client, "/v1/"+tt.path, passStreamBody)
		if told := strings.Count(got, `"error"`); told != tt.told || !strings.HasPrefix(got, body) {
			t.Errorf("%s: %d errors in %q", name, told, got)
		}
		if resp.Header.Get("X-Cache") != "" {
			t.Errorf("%s: X-Cache %q", name, resp.Header.Get("X-Cache"))
		}
		idleSoon(t, s)
	}
}

// TestAttemptsAreProgress: each has its own time, and the watchdog must not count them as one.
func TestAttemptsAreProgress(t *testing.T) {
	f := newFakeHost(t)
	up, err := upstreamtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	up.Script(func(r upstreamtest.Request) upstreamtest.Answer {
		if r.N < 3 {
			return upstreamtest.Answer{Status: 500}
		}
		return upstreamtest.Answer{}
	})
	limits := testLimits
	limits.OpenAI = config.OpenAI{BaseURL: up.URL(), Models: []string{"*"}, Retries: 2}
	s := newTestServer(limits, f)
	t.Cleanup(s.close)
	if got := chat(s, `{"model":"m","messages":[{"role":"user","content":"x"}]}`).StatusCode(); got != 200 {
		t.Fatalf("status %d", got)
	}
	if got := f.beats.Load(); got < 6 { // begun and sent, three times
		t.Errorf("%d signs of life in three attempts", got)
	}
}

// TestReadySaysWhoAnswers: nothing to serve is not ready, and the body says why.
func TestReadySaysWhoAnswers(t *testing.T) {
	up, s, client := behind(t, func(s *config.API) {
		s.OpenAI.Retries, s.OpenAI.EjectAfter, s.OpenAI.EjectionTime = 0, 1, time.Hour
	})
	if resp, body := send(t, client, "GET", "/ready", nil); resp.StatusCode != 200 || !strings.Contains(body, `"state":"healthy"`) {
		t.Errorf("ready: %d %s", resp.StatusCode, body)
	}
	up.Answer(upstreamtest.Answer{Status: 500})
	post(t, client, "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"x"}]}`)
	resp, body := send(t, client, "GET", "/ready", nil)
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, `"status":"all upstreams are ejected"`) ||
		!strings.Contains(body, `"state":"ejected"`) || !strings.Contains(body, `"failures":1`) {
		t.Errorf("with all upstreams ejected: %d %s", resp.StatusCode, body)
	}
	up.Answer(upstreamtest.Answer{})
	post(t, client, "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"x"}]}`)
	if resp, body = send(t, client, "GET", "/ready", nil); resp.StatusCode != 200 {
		t.Errorf("with the upstream back: %d %s", resp.StatusCode, body)
	}
	idleSoon(t, s)
	none := testLimits
	none.Echo.Enabled = "false"
	if got := call(newTestServer(none, newFakeHost(t)), "GET", "/ready", ""); got.StatusCode() != 503 || !strings.Contains(string(got.Body()), "no model is served") {
		t.Errorf("without a model: %d %s", got.StatusCode(), got.Body())
	}
}

// TestResponsesBreak: the responses endpoint has an error event of its own.
func TestResponsesBreak(t *testing.T) {
	up, _, client := behind(t, nil)
	up.Answer(upstreamtest.Answer{Text: "one two three", BreakAfter: 2})
	_, body := post(t, client, "/v1/responses", `{"model":"m","stream":true,"input":"x"}`)
	if !strings.Contains(body, "event: error\ndata: {\"type\":\"error\",\"code\":\"upstream_broken\"") {
		t.Errorf("a broken stream of responses: %q", body)
	}
}

// TestCache: the second of two equal deterministic requests costs no upstream.
func TestCache(t *testing.T) {
	up, s, client := behind(t, func(s *config.API) {
		s.Cache = config.Cache{Store: "memory", TTL: time.Hour, MaxSize: 1 << 20, MaxEntry: 1 << 16}
		s.LLMConcurrentLimit, s.QueueSize = 1, 0
	})
	for i, tt := range []struct {
		body, want string
		asked      int
	}{
		{`{"model":"m","temperature":0,"messages":[{"role":"user","content":"x"}]}`, "MISS", 1},
		{`{"temperature":0, "model":"m","messages":[{"role":"user","content":"x"}]}`, "HIT", 1},
		{`{"model":"m","temperature":0,"stream":true,"messages":[{"role":"user","content":"x"}]}`, "MISS", 2},
		{`{"model":"m","temperature":0,"stream":true,"messages":[{"role":"user","content":"x"}]}`, "HIT", 2},
		{`{"model":"m","messages":[{"role":"user","content":"x"}]}`, "BYPASS", 3},
	} {
		resp, body := post(t, client, "/v1/chat/completions", tt.body)
		if resp.StatusCode != 200 || resp.Header.Get("X-Cache") != tt.want || len(up.Requests()) != tt.asked {
			t.Errorf("%d: %d, X-Cache %q, %d requests; want %s and %d\n%s", i, resp.StatusCode, resp.Header.Get("X-Cache"), len(up.Requests()), tt.want, tt.asked, body)
		}
		if stream := strings.Contains(tt.body, "stream"); stream != strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") || stream && !strings.HasSuffix(body, "data: [DONE]\n\n") {
			t.Errorf("%d: %q, %q", i, resp.Header.Get("Content-Type"), body)
		}
		idleSoon(t, s)
	}
	// A hit needs no permit.
	p := s.limits.Try(limit.Want{LLM: true})
	defer p.Release()
	if resp, _ := post(t, client, "/v1/chat/completions", `{"temperature":0, "model":"m","messages":[{"role":"user","content":"x"}]}`); resp.Header.Get("X-Cache") != "HIT" {
		t.Errorf("a hit on a full server: %d", resp.StatusCode)
	}
}

func TestCORS(t *testing.T) {
	limits := testLimits
	limits.CORS = config.CORS{Origins: []string{"https://app.example"}, Headers: []string{"*"}, MaxAge: time.Hour}
	s := newTestServer(limits, newFakeHost(t))
	get := func(resp *fasthttp.Response, name string) string { return string(resp.Header.Peek(name)) }
	preflight := []string{"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type"}

	resp := call(s, "OPTIONS", "/v1/chat/completions", "", append(preflight, "Origin: https://app.example")...)
	if resp.StatusCode() != 204 || get(resp, "Access-Control-Allow-Origin") != "https://app.example" ||
		get(resp, "Access-Control-Allow-Headers") != "authorization,content-type" || get(resp, "Access-Control-Max-Age") != "3600" {
		t.Errorf("preflight: %s", render(resp))
	}
	resp = call(s, "OPTIONS", "/v1/chat/completions", "", append(preflight, "Origin: https://evil.example")...)
	if resp.StatusCode() != 403 || get(resp, "Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight of a stranger: %s", render(resp))
	}
	resp = chat(s, hello, "Origin: https://app.example", "Content-Type: application/json")
	if resp.StatusCode() != 200 || get(resp, "Access-Control-Allow-Origin") != "https://app.example" || get(resp, "Vary") != "Origin" || get(resp, "Access-Control-Expose-Headers") == "" {
		t.Errorf("a call: %s", render(resp))
	}
	if resp = chat(s, `{`, "Origin: https://app.example", "Content-Type: application/json"); get(resp, "Access-Control-Allow-Origin") == "" {
		t.Error("a page cannot read its error")
	}
	// What a foreign page can send without a preflight is refused.
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
		if resp = chat(s, hello, "Origin: https://evil.example", "Content-Type: "+kind); resp.StatusCode() != 415 {
			t.Errorf("%s from a page: %d", kind, resp.StatusCode())
		}
	}
	off := newTestServer(testLimits, newFakeHost(t))
	if resp = call(off, "OPTIONS", "/v1/models", "", append(preflight, "Origin: https://app.example")...); get(resp, "Access-Control-Allow-Origin") != "" || resp.StatusCode() != 405 {
		t.Errorf("CORS that is off: %s", render(resp))
	}
}

// TestBadBodies: every mistake has a status, a code and, where there is one, a field.
func TestBadBodies(t *testing.T) {
	limits := testLimits
	limits.MaxBodySize = 1 << 20
	s := newTestServer(limits, newFakeHost(t))
	many := `{"model":"echo","messages":[` + strings.TrimSuffix(strings.Repeat(`{"role":"user"},`, 60_000), ",") + `]}`
	for name, tt := range map[string]struct {
		body, kind  string
		status      int
		code, param string
	}{
		"malformed":  {body: `{"model":"echo","messages":[}`, status: 400, code: "invalid_json"},
		"empty":      {status: 400, code: "invalid_json"},
		"array":      {body: `[]`, status: 400, code: "invalid_type"},
		"null":       {body: `null`, status: 400, code: "invalid_type"},
		"two values": {body: hello + hello, status: 400, code: "invalid_json"},
		"utf-8":      {body: strings.Replace(hello, "little", "\xff", 1), status: 400, code: "invalid_json"},
		"nesting":    {body: `{"model":"echo","messages":` + strings.Repeat("[", 400_000), status: 400, code: "invalid_json"},
		"whole and deep": {
			body:   `{"model":"echo","messages":[{"role":"user","content":"x"}],"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`,
			status: 400, code: "invalid_json",
		},
		"huge":       {body: `{"x":"` + strings.Repeat("x", 1<<20), status: 413, code: "request_too_large"},
		"html":       {body: hello, kind: "text/html", status: 415, code: "unsupported_content_type"},
		"model type": {body: `{"model":7,"messages":[]}`, status: 400, code: "invalid_type", param: "model"},
		"model case": {body: `{"Model":"x","model":"echo","messages":[]}`, status: 400, code: "invalid_value", param: "Model"},
		"stream":     {body: `{"model":"echo","messages":[{}],"stream":"yes"}`, status: 400, code: "invalid_type", param: "stream"},
		"missing":    {body: `{"model":"echo"}`, status: 400, code: "missing_required_parameter", param: "messages"},
		"none":       {body: `{"model":"echo","messages":[ ]}`, status: 400, code: "invalid_value", param: "messages"},
		"many":       {body: many, status: 400, code: "missing_required_parameter", param: "messages[0].content"},
		"unknown":    {body: `{"model":"gpt-9","messages":[{}]}`, status: 404, code: "model_not_found", param: "model"},
	} {
		var headers []string
		if tt.kind != "" {
			headers = append(headers, "Content-Type: "+tt.kind)
		}
		resp := chat(s, tt.body, headers...)
		if e := envelope(t, resp.Body()); resp.StatusCode() != tt.status || e.Code != tt.code || param(e) != tt.param || e.Message == "" {
			t.Errorf("%s: %d %+v, param %q", name, resp.StatusCode(), e, param(e))
		}
	}
	wantIdle(t, s)
}

func param(e wireError) string {
	if e.Param == nil {
		return ""
	}
	return *e.Param
}

// TestManyMessages: 100,000 messages are an ordinary request when they fit.
func TestManyMessages(t *testing.T) {
	limits := testLimits
	limits.MaxBodySize = 64 << 20
	s := newTestServer(limits, newFakeHost(t))
	body := `{"model":"echo","messages":[` + strings.Repeat(`{"role":"user","content":"a"},`, 99_999) + `{"role":"user","content":"last"}]}`
	if resp := chat(s, body); resp.StatusCode() != 200 || !strings.Contains(string(resp.Body()), `"content":"last"`) {
		t.Errorf("%d %.300s", resp.StatusCode(), resp.Body())
	}
}

// FuzzHead: any body is answered with JSON of ours, and no permit stays taken.
func FuzzHead(f *testing.F) {
	for _, seed := range []string{hello, helloStream, `{`, `null`, `{"model":null,"stream":null,"messages":[[]]}`, `{"prompt":["a"],"model":"echo"}`, `{"input":["a","b"],"encoding_format":"base64"}`} {
		f.Add(seed, uint8(0))
	}
	paths := []string{"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"}
	f.Fuzz(func(t *testing.T, body string, which uint8) {
		host := newFakeHost(t)
		s := newTestServer(testLimits, host)
		resp := call(s, "POST", paths[int(which)%len(paths)], body)
		if code := resp.StatusCode(); code != 200 && (code < 400 || code >= 500) {
			t.Errorf("status %d for %q", code, body)
		}
		if resp.StatusCode() >= 400 {
			if e := envelope(t, resp.Body()); e.Message == "" || e.Type == "" {
				t.Errorf("%s", fmt.Sprint(e))
			}
		}
		wantIdle(t, s)
	})
}
