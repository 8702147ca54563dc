package clients

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
	"github.com/webchasor/webchasor/internal/testproc"
)

var hello = []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hello")}

// TestGateway: the client talks to an upstream through the gateway.
func TestGateway(t *testing.T) {
	t.Parallel()
	up := upstreamServer(t)
	p, addr := serve(t, testproc.Options{Env: []string{"WEB_WORKERS=2", "OPENAI_BASE_URL=" + up.URL(), "OPENAI_API_KEY=sk-upstream", "BIND=127.0.0.1:0"}})
	c := client(addr, "sk-client")

	if models, err := c.Models.List(t.Context()); err != nil || len(models.Data) == 0 {
		t.Errorf("models: %v, %v", models, err)
	}
	up.Answer(upstreamtest.Answer{Text: "said by the upstream"})
	whole, err := c.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: "gpt-test", Messages: hello},
		option.WithJSONSet("field_of_tomorrow", map[string]any{"a": 1}))
	if err != nil || whole.Choices[0].Message.Content != "said by the upstream" {
		t.Errorf("chat: %v, %v", whole, err)
	}
	seen := up.Last()
	if seen.Header.Get("Authorization") != "Bearer sk-upstream" || !strings.Contains(string(seen.Body), `"field_of_tomorrow":{"a":1}`) {
		t.Errorf("the upstream saw %v, %s", seen.Header, seen.Body)
	}

	stream := c.Chat.Completions.NewStreaming(t.Context(), openai.ChatCompletionNewParams{Model: "gpt-test", Messages: hello})
	sum := openai.ChatCompletionAccumulator{}
	for stream.Next() {
		sum.AddChunk(stream.Current())
	}
	if stream.Err() != nil || len(sum.Choices) != 1 || sum.Choices[0].Message.Content != "said by the upstream" {
		t.Errorf("stream: %+v, %v", sum.ChatCompletion, stream.Err())
	}

	up.Answer(upstreamtest.Answer{Tool: "weather", Arguments: `{"city":"Ulm"}`})
	tools := openai.ChatCompletionNewParams{
		Model: "gpt-test", Messages: hello,
		Tools: []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
			Name: "weather", Parameters: openai.FunctionParameters{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}},
		})},
	}
	called, err := c.Chat.Completions.New(t.Context(), tools)
	if err != nil || len(called.Choices[0].Message.ToolCalls) != 1 || called.Choices[0].Message.ToolCalls[0].Function.Arguments != `{"city":"Ulm"}` {
		t.Errorf("tool call: %v, %v", called, err)
	}
	stream = c.Chat.Completions.NewStreaming(t.Context(), tools)
	sum = openai.ChatCompletionAccumulator{}
	for stream.Next() {
		sum.AddChunk(stream.Current())
	}
	if stream.Err() != nil || len(sum.Choices) != 1 || len(sum.Choices[0].Message.ToolCalls) != 1 || sum.Choices[0].Message.ToolCalls[0].Function.Name != "weather" {
		t.Errorf("tool call in a stream: %+v, %v", sum.ChatCompletion, stream.Err())
	}
	if !strings.Contains(string(up.Last().Body), `"parameters":{`) {
		t.Errorf("the tools did not reach the upstream: %s", up.Last().Body)
	}

	up.Answer(upstreamtest.Answer{Text: "a response"})
	answer, err := c.Responses.New(t.Context(), responses.ResponseNewParams{
		Model: "gpt-test", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hello")},
	})
	if err != nil || answer.OutputText() != "a response" {
		t.Errorf("responses: %v, %v", answer, err)
	}
	p.Stop(0)
}

// TestUpstreamErrors: the upstream's own words arrive as they are, broken streams as errors.
func TestUpstreamErrors(t *testing.T) {
	t.Parallel()
	up := upstreamServer(t)
	_, addr := serve(t, testproc.Options{Env: []string{"WEB_WORKERS=1", "OPENAI_BASE_URL=" + up.URL(), "OPENAI_RETRIES=0"}})
	c := client(addr, "any")
	ask := openai.ChatCompletionNewParams{Model: "gpt-test", Messages: hello}

	up.Answer(upstreamtest.Answer{Status: 400})
	_, err := c.Chat.Completions.New(t.Context(), ask)
	if got, ok := errors.AsType[*openai.Error](err); !ok || got.StatusCode != 400 || got.Code != "scripted_400" {
		t.Errorf("the upstream's error: %v", err)
	}
	up.Answer(upstreamtest.Answer{BreakAfter: -1})
	_, err = c.Chat.Completions.New(t.Context(), ask)
	if got, ok := errors.AsType[*openai.Error](err); !ok || got.StatusCode != 502 || got.Code != "upstream_broken" {
		t.Errorf("a connection that breaks: %v", err)
	}
	for _, inside := range []bool{false, true} {
		up.Answer(upstreamtest.Answer{Text: "one two three four", BreakAfter: 3, BreakInside: inside})
		stream := c.Chat.Completions.NewStreaming(t.Context(), ask)
		n := 0
		for stream.Next() {
			n++
		}
		if err := stream.Err(); err == nil || n == 0 || !strings.Contains(err.Error(), "upstream_broken") {
			t.Errorf("a stream that breaks (inside an event: %v): %d chunks, then %v", inside, n, err)
		}
	}
}

// TestRetries: the client repeats by itself what we refuse for now.
func TestRetries(t *testing.T) {
	t.Parallel()
	up := upstreamServer(t)
	_, addr := serve(t, testproc.Options{Env: []string{"WEB_WORKERS=1", "OPENAI_BASE_URL=" + up.URL(), "OPENAI_RETRIES=0"}})
	for _, status := range []int{429, 503} {
		begin := len(up.Requests())
		up.Script(func(r upstreamtest.Request) upstreamtest.Answer {
			if r.N == begin+1 {
				return upstreamtest.Answer{Status: status, RetryAfter: "1"}
			}
			return upstreamtest.Answer{Text: "at last"}
		})
		c := client(addr, "any", option.WithMaxRetries(2))
		got, err := c.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: "m", Messages: hello})
		if n := len(up.Requests()) - begin; err != nil || n != 2 || got.Choices[0].Message.Content != "at last" {
			t.Errorf("%d: %v, %v after %d requests", status, got, err, n)
		}
	}
}

// TestRetriesWhenFull: our own refusal is one that the client repeats too.
func TestRetriesWhenFull(t *testing.T) {
	t.Parallel()
	for _, status := range []int{503, 429} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			retriesWhenFull(t, status)
		})
	}
}

func retriesWhenFull(t *testing.T, status int) {
	up := upstreamServer(t)
	p, addr := serve(t, testproc.Options{Env: []string{
		"WEB_WORKERS=1", "OPENAI_BASE_URL=" + up.URL(), "LLM_CONCURRENT_LIMIT=1", "QUEUE_SIZE=0", "FULL_STATUS=" + strconv.Itoa(status),
	}})
	up.Script(func(r upstreamtest.Request) upstreamtest.Answer {
		if r.N == 1 {
			return upstreamtest.Answer{StallAfter: -1}
		}
		return upstreamtest.Answer{Text: "served"}
	})
	holder, release := context.WithCancel(t.Context())
	defer release()
	held := make(chan error, 1)
	go func() {
		c := client(addr, "any")
		_, err := c.Chat.Completions.New(holder, openai.ChatCompletionNewParams{Model: "m", Messages: hello})
		held <- err
	}()
	testproc.Eventually(t, patience, testproc.Every, func() bool { return up.Active() == 1 }, "the permit is taken")

	c := client(addr, "any")
	_, err := c.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: "m", Messages: hello})
	if got, ok := errors.AsType[*openai.Error](err); !ok || got.StatusCode != status || got.Response.Header.Get("Retry-After") == "" {
		t.Errorf("a full server answers %v", err)
	}

	mark := p.Log.Mark()
	go func() { // the permit comes back only after the second client was refused
		testproc.Poll(patience, testproc.Every, func() bool {
			_, refused := p.Log.Find(mark, testproc.Text("requests refused"))
			return refused
		})
		release()
	}()
	retrying := client(addr, "any", option.WithMaxRetries(10))
	got, err := retrying.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: "m", Messages: hello})
	if err != nil || got.Choices[0].Message.Content != "served" {
		t.Errorf("after retries: %v, %v", got, err)
	}
	if err := <-held; !errors.Is(err, context.Canceled) {
		t.Errorf("the holder ended with %v", err)
	}
}

// TestAbort: a client that leaves takes its upstream request with it.
func TestAbort(t *testing.T) {
	t.Parallel()
	up := upstreamServer(t)
	p, addr := serve(t, testproc.Options{Env: []string{"WEB_WORKERS=1", "OPENAI_BASE_URL=" + up.URL(), "ACCESS_LOG=-"}})
	up.Answer(upstreamtest.Answer{Text: "one two three", StallAfter: 2})
	ctx, abort := context.WithCancel(t.Context())
	defer abort()
	c := client(addr, "any")
	stream := c.Chat.Completions.NewStreaming(ctx, openai.ChatCompletionNewParams{Model: "m", Messages: hello})
	if !stream.Next() {
		t.Fatal(stream.Err())
	}
	abort()
	for stream.Next() {
	}
	testproc.Eventually(t, patience, testproc.Every, func() bool { return up.Active() == 0 && len(up.Cancelled()) == 1 }, "the upstream is left")
	testproc.Eventually(t, patience, testproc.Every, func() bool {
		return strings.Contains(p.Out.String(), `" 499 `)
	}, "the access log says 499")
}

// TestClientKeys: with client keys only they get in, and each to its models.
func TestClientKeys(t *testing.T) {
	t.Parallel()
	up := upstreamServer(t)
	sum := func(key string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(key))) }
	_, addr := serve(t, testproc.Options{Env: []string{"WEB_WORKERS=1"}, Config: `
providers:
  openai:
    upstreams:
      - {name: a, base_url: "` + up.URL() + `", api_key: sk-upstream, models: ["gpt-*", o3], rename: {fast: gpt-mini}}
api:
  keys:
    - {name: all, sha256: ` + sum("sk-all") + `}
    - {name: some, sha256: ` + sum("sk-some") + `, models: [o3, fast]}
`})
	ask := openai.ChatCompletionNewParams{Model: "gpt-4", Messages: hello}
	for _, tt := range []struct {
		key, model string
		status     int
		code       string
	}{
		{"sk-all", "gpt-4", 200, ""},
		{"sk-wrong", "gpt-4", 401, "invalid_api_key"},
		{"sk-some", "gpt-4", 403, "model_not_found"},
		{"sk-some", "o3", 200, ""},
		{"sk-some", "fast", 200, ""},
		{"sk-all", "nobody-has-it", 404, "model_not_found"},
	} {
		c := client(addr, tt.key)
		ask.Model = tt.model
		_, err := c.Chat.Completions.New(t.Context(), ask)
		if tt.status == 200 {
			if err != nil {
				t.Errorf("%s %s: %v", tt.key, tt.model, err)
			}
			continue
		}
		if got, ok := errors.AsType[*openai.Error](err); !ok || got.StatusCode != tt.status || got.Code != tt.code {
			t.Errorf("%s %s: %v", tt.key, tt.model, err)
		}
	}
	if last := up.Last(); last.Model != "gpt-mini" || last.Header.Get("Authorization") != "Bearer sk-upstream" {
		t.Errorf("the upstream was asked for %q with %q", last.Model, last.Header.Get("Authorization"))
	}
	some := client(addr, "sk-some")
	models, err := some.Models.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range models.Data {
		names = append(names, m.ID)
	}
	if strings.Join(names, " ") != "fast o3" {
		t.Errorf("the key sees the models %v", names)
	}
	wrong := client(addr, "sk-wrong")
	if _, err := wrong.Models.List(t.Context()); err == nil {
		t.Error("a wrong key sees models")
	}
}
