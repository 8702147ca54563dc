package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/webchasor/webchasor/internal/config"
)

// wireError is the inside of the error envelope.
type wireError struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    string  `json:"code"`
}

// envelope reads an error body and fails unless it has exactly OpenAI's shape.
func envelope(t *testing.T, body []byte) wireError {
	t.Helper()
	var fields map[string]map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		t.Fatalf("not an error envelope: %v: %q", err, body)
	}
	for _, name := range []string{"message", "type", "param", "code"} {
		if _, ok := fields["error"][name]; !ok {
			t.Errorf("no %s in %s", name, body)
		}
	}
	if len(fields) != 1 || len(fields["error"]) != 4 {
		t.Errorf("more than the four fields in %s", body)
	}
	var e struct{ Error wireError }
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatal(err)
	}
	return e.Error
}

func TestParseRequestErrors(t *testing.T) {
	const user = `"messages":[{"role":"user","content":"x"}]`
	tests := []struct {
		body, param, code string
	}{
		{``, "", "invalid_json"},
		{`{`, "", "invalid_json"},
		{`{` + user + `} trailing`, "", "invalid_json"},
		{`[]`, "", "invalid_type"},
		{`"x"`, "", "invalid_type"},
		{`null`, "messages", "missing_required_parameter"},
		{`{}`, "messages", "missing_required_parameter"},
		{`{"messages":null}`, "messages", "missing_required_parameter"},
		{`{"messages":[]}`, "messages", "invalid_value"},
		{`{"messages":{}}`, "messages", "invalid_type"},
		{`{"messages":[null]}`, "messages[0]", "invalid_type"},
		{`{"messages":["x"]}`, "messages[0]", "invalid_type"},
		{`{"messages":[{"content":"x"}]}`, "messages[0].role", "missing_required_parameter"},
		{`{"messages":[{"role":5,"content":"x"}]}`, "messages[0].role", "invalid_type"},
		{`{"messages":[{"role":"user","content":"x"},{"role":"boss","content":"x"}]}`, "messages[1].role", "invalid_value"},
		{`{"messages":[{"role":"user"}]}`, "messages[0].content", "missing_required_parameter"},
		{`{"messages":[{"role":"user","content":null}]}`, "messages[0].content", "missing_required_parameter"},
		{`{"messages":[{"role":"user","content":5}]}`, "messages[0].content", "invalid_type"},
		{`{"messages":[{"role":"user","content":{}}]}`, "messages[0].content", "invalid_type"},
		{`{"messages":[{"role":"user","content":["x"]}]}`, "messages[0].content", "invalid_type"},
		{`{"messages":[{"role":"user","content":[null]}]}`, "messages[0].content[0].type", "missing_required_parameter"},
		{`{"messages":[{"role":"user","content":[{"type":"text"}]}]}`, "messages[0].content[0].text", "missing_required_parameter"},
		{`{"messages":[{"role":"user","content":[{"type":"text","text":5}]}]}`, "messages[0].content.text", "invalid_type"},
		{`{"model":"",` + user + `}`, "model", "invalid_value"},
		{`{"model":5,` + user + `}`, "model", "invalid_type"},
		{`{"stream":"yes",` + user + `}`, "stream", "invalid_type"},
		{`{"stream_options":{"include_usage":true},` + user + `}`, "stream_options", "invalid_value"},
		{`{"stream":true,"stream_options":5,` + user + `}`, "stream_options", "invalid_type"},
		{`{"stream":true,"stream_options":{"include_usage":1},` + user + `}`, "stream_options.include_usage", "invalid_type"},
		{`{"n":2,` + user + `}`, "n", "unsupported_value"},
		{`{"temperature":2.1,` + user + `}`, "temperature", "invalid_value"},
		{`{"temperature":"hot",` + user + `}`, "temperature", "invalid_type"},
		{`{"temperature":1e999,` + user + `}`, "temperature", "invalid_type"},
		{`{"top_p":-0.1,` + user + `}`, "top_p", "invalid_value"},
		{`{"max_tokens":0,` + user + `}`, "max_tokens", "invalid_value"},
		{`{"max_tokens":1.5,` + user + `}`, "max_tokens", "invalid_type"},
		{`{"max_tokens":5,"max_completion_tokens":-1,` + user + `}`, "max_completion_tokens", "invalid_value"},
		{`{"webchasor":5,` + user + `}`, "webchasor", "invalid_type"},
		{`{"webchasor":{"token":5},` + user + `}`, "webchasor", "invalid_value"},
		{`{"webchasor":{"tokens":"5"},` + user + `}`, "webchasor.tokens", "invalid_type"},
		{`{"webchasor":{"tokens":-1},` + user + `}`, "webchasor.tokens", "invalid_value"},
		{`{"webchasor":{"tokens":100001},` + user + `}`, "webchasor.tokens", "invalid_value"},
		{`{"webchasor":{"token_delay":"soon"},` + user + `}`, "webchasor.token_delay", "invalid_value"},
		{`{"webchasor":{"token_delay":-1},` + user + `}`, "webchasor.token_delay", "invalid_value"},
		{`{"webchasor":{"first_token_delay":"6m"},` + user + `}`, "webchasor.first_token_delay", "invalid_value"},
		{`{"webchasor":{"first_token_delay":"NaN"},` + user + `}`, "webchasor.first_token_delay", "invalid_value"},
		{`{"webchasor":{"first_token_delay":[]},` + user + `}`, "webchasor.first_token_delay", "invalid_value"},
	}
	for _, tt := range tests {
		t.Run(tt.body, func(t *testing.T) {
			r, e := parseRequest([]byte(tt.body), config.Echo{})
			if e == nil {
				t.Fatalf("accepted as %+v", r)
			}
			if e.Status != 400 || e.Type != "invalid_request_error" || e.Param != tt.param || e.Code != tt.code {
				t.Errorf("status %d, type %q, param %q, code %q, want 400, invalid_request_error, %q, %q (%s)",
					e.Status, e.Type, e.Param, e.Code, tt.param, tt.code, e.Message)
			}
			if e.Message == "" {
				t.Error("no message")
			}
		})
	}
}

func TestParseRequest(t *testing.T) {
	got, e := parseRequest([]byte(`{"model":"echo","stream":true,"stream_options":{"include_usage":true},"n":1,
		"max_tokens":7,"temperature":0.5,"top_p":1,"user":"me","tools":[{"type":"function"}],"seed":5,"stop":["x"],
		"messages":[{"role":"developer","content":"a"},{"role":"user","name":"bob","content":[{"type":"text","text":"b"},{"type":"file"},{"type":"text","text":"c"}]},
		{"role":"assistant","tool_calls":[]}],
		"webchasor":{"tokens":3,"token_delay":0.25,"first_token_delay":"1.5s"}}`), config.Echo{Tokens: 9, TokenDelay: time.Hour})
	if e != nil {
		t.Fatal(e)
	}
	half, one := 0.5, 1.0
	want := &Request{
		Model: "echo", Stream: true, IncludeUsage: true, MaxTokens: 7, Temperature: &half, TopP: &one,
		Messages: []Message{{"developer", "a"}, {"user", "bc"}, {"assistant", ""}},
		Echo:     config.Echo{Tokens: 3, TokenDelay: 250 * time.Millisecond, FirstTokenDelay: 1500 * time.Millisecond},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestOverrideHeaders(t *testing.T) {
	tests := []struct {
		header, value string
		want          config.Echo
		bad           bool
	}{
		{header: "X-Echo-Tokens", value: "12", want: config.Echo{Tokens: 12}},
		{header: "X-Echo-Tokens", value: "0"},
		{header: "X-Echo-Tokens", value: "-1", bad: true},
		{header: "X-Echo-Tokens", value: "1e3", bad: true},
		{header: "X-Echo-Tokens", value: "100001", bad: true},
		{header: "X-Echo-Token-Delay", value: "20ms", want: config.Echo{TokenDelay: 20 * time.Millisecond}},
		{header: "X-Echo-Token-Delay", value: "0.02", want: config.Echo{TokenDelay: 20 * time.Millisecond}},
		{header: "X-Echo-Token-Delay", value: "5m1s", bad: true},
		{header: "X-Echo-Token-Delay", value: "Inf", bad: true},
		{header: "X-Echo-First-Token-Delay", value: "2", want: config.Echo{FirstTokenDelay: 2 * time.Second}},
		{header: "X-Echo-First-Token-Delay", value: "later", bad: true},
		{header: "X-Other", value: "later"},
	}
	for _, tt := range tests {
		t.Run(tt.header+" "+tt.value, func(t *testing.T) {
			var got config.Echo
			e := overrideFromHeaders(&got, func(name string) string {
				if name == tt.header {
					return tt.value
				}
				return ""
			})
			if tt.bad {
				if e == nil || e.Param != tt.header || e.Status != 400 {
					t.Errorf("error %+v, want 400 about %s", e, tt.header)
				}
				return
			}
			if e != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, e, tt.want)
			}
		})
	}
}

// What is null is not there.
func TestParseRequestNulls(t *testing.T) {
	pace := config.Echo{Tokens: 4, TokenDelay: time.Second, FirstTokenDelay: time.Minute}
	const messages = `"messages":[{"role":"user","content":"x"}]`
	for _, body := range []string{
		`{"model":null,"stream":null,"stream_options":null,"n":null,"max_tokens":null,"max_completion_tokens":null,"temperature":null,"top_p":null,"webchasor":null,` + messages + `}`,
		`{"webchasor":{"tokens":null,"token_delay":null,"first_token_delay":null},` + messages + `}`,
		`{"webchasor":{},` + messages + `}`,
	} {
		got, e := parseRequest([]byte(body), pace)
		want := &Request{Messages: []Message{{"user", "x"}}, Echo: pace}
		if e != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", body, got, e, want)
		}
	}
}

func TestLastUser(t *testing.T) {
	for want, messages := range map[string][]Message{
		"b":    {{"user", "a"}, {"user", "b"}, {"assistant", "c"}},
		"only": {{"system", "x"}, {"assistant", "only"}},
		"":     nil,
	} {
		if got := (&Request{Messages: messages}).lastUser(); got != want {
			t.Errorf("lastUser of %v = %q, want %q", messages, got, want)
		}
	}
}

// FuzzParseRequest: any body is refused with a 400 that says why, or gives a
// request that keeps the type's promises, the same one every time.
func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		hello, helloStream, `{}`, `{"messages":[{}]}`, `{"messages":[{"role":"user","content":[{"type":"text","text":"\ud800"}]}]}`,
		`{"messages":[{"role":"user","content":"x"}],"webchasor":{"tokens":5,"token_delay":"1s","first_token_delay":2}}`,
		`{"max_tokens":9223372036854775807,"messages":[{"role":"user","content":"x"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, e := parseRequest(body, config.Echo{})
		again, e2 := parseRequest(body, config.Echo{})
		if fmt.Sprint(r == nil, e) != fmt.Sprint(again == nil, e2) || !reflect.DeepEqual(r, again) {
			t.Fatalf("two answers for one body: %+v %v, %+v %v", r, e, again, e2)
		}
		if e != nil {
			if r != nil || e.Status != 400 || e.Message == "" {
				t.Fatalf("%+v with %+v", e, r)
			}
			return
		}
		if len(r.Messages) == 0 || r.MaxTokens < 0 || r.IncludeUsage && !r.Stream {
			t.Fatalf("accepted %+v", r)
		}
		if p := r.Echo; p.Tokens < 0 || p.Tokens > maxEchoTokens || p.TokenDelay < 0 || p.TokenDelay > maxEchoDelay ||
			p.FirstTokenDelay < 0 || p.FirstTokenDelay > maxEchoDelay {
			t.Fatalf("out of bounds: %+v", p)
		}
		for _, m := range r.Messages {
			if !utf8.ValidString(m.Text) {
				t.Fatalf("not UTF-8: %q", m.Text)
			}
		}
	})
}
