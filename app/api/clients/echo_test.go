package clients

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestEchoProvider: everything that needs no upstream.
func TestEchoProvider(t *testing.T) {
	t.Parallel()
	p, addr := serve(t, testproc.Options{Env: []string{"WEB_WORKERS=2"}})
	c := client(addr, "any")

	models, err := c.Models.List(t.Context())
	if err != nil || len(models.Data) != 1 || models.Data[0].ID != "echo" {
		t.Errorf("models: %v, %v", models, err)
	}
	if m, err := c.Models.Get(t.Context(), "echo"); err != nil || m.OwnedBy != "webchasor" {
		t.Errorf("the model echo: %v, %v", m, err)
	}

	ask := openai.ChatCompletionNewParams{
		Model:    "echo",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("four words of text")},
	}
	whole, err := c.Chat.Completions.New(t.Context(), ask)
	if err != nil || whole.Choices[0].Message.Content != "four words of text" || whole.Usage.CompletionTokens != 4 {
		t.Errorf("chat: %v, %v", whole, err)
	}

	ask.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := c.Chat.Completions.NewStreaming(t.Context(), ask)
	sum := openai.ChatCompletionAccumulator{}
	for stream.Next() {
		sum.AddChunk(stream.Current())
	}
	if err := stream.Err(); err != nil || len(sum.Choices) != 1 || sum.Choices[0].Message.Content != "four words of text" || sum.Usage.TotalTokens != 8 {
		t.Errorf("stream: %+v, %v", sum.ChatCompletion, err)
	}

	text := openai.CompletionNewParams{Model: "echo", Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("an old endpoint")}}
	old, err := c.Completions.New(t.Context(), text)
	if err != nil || old.Choices[0].Text != "an old endpoint" || old.Usage.TotalTokens != 6 {
		t.Errorf("completion: %v, %v", old, err)
	}
	var words strings.Builder
	pieces := c.Completions.NewStreaming(t.Context(), text)
	for pieces.Next() {
		if choices := pieces.Current().Choices; len(choices) > 0 {
			words.WriteString(choices[0].Text)
		}
	}
	if pieces.Err() != nil || words.String() != "an old endpoint" {
		t.Errorf("completion stream: %q, %v", words.String(), pieces.Err())
	}

	vectors := func(input ...string) [][]float64 {
		got, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
			Model: "echo", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: input}, Dimensions: openai.Int(32),
		})
		if err != nil {
			t.Fatal(err)
		}
		var all [][]float64
		for _, e := range got.Data {
			all = append(all, e.Embedding)
		}
		return all
	}
	v := vectors("a", "b", "a")
	length := 0.0
	for i := range v[0] {
		length += v[0][i] * v[0][i]
	}
	if len(v) != 3 || len(v[0]) != 32 || v[0][0] != v[2][0] || v[0][0] == v[1][0] || math.Abs(length-1) > 1e-5 {
		t.Errorf("embeddings: %v, squared length %v", v, length)
	}
	p.Stop(0)
}

// TestErrors: what goes wrong arrives as the client's own error type.
func TestErrors(t *testing.T) {
	t.Parallel()
	_, addr := serve(t, testproc.Options{Env: []string{"WEB_WORKERS=1", "MAX_BODY_SIZE=64KiB"}})
	c := client(addr, "any")
	hello := []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hello")}
	for name, tt := range map[string]struct {
		ask     openai.ChatCompletionNewParams
		options []option.RequestOption
		status  int
		code    string
		param   string
	}{
		"model":    {ask: openai.ChatCompletionNewParams{Model: "gpt-9", Messages: hello}, status: 404, code: "model_not_found", param: "model"},
		"messages": {ask: openai.ChatCompletionNewParams{Model: "echo", Messages: []openai.ChatCompletionMessageParamUnion{}}, status: 400, code: "invalid_value", param: "messages"},
		"n":        {ask: openai.ChatCompletionNewParams{Model: "echo", Messages: hello, N: openai.Int(3)}, status: 400, code: "unsupported_value", param: "n"},
		"size": {
			ask:    openai.ChatCompletionNewParams{Model: "echo", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(strings.Repeat("x", 70<<10))}},
			status: 413, code: "request_too_large",
		},
		"type": {
			ask: openai.ChatCompletionNewParams{Model: "echo", Messages: hello}, options: []option.RequestOption{option.WithHeader("Content-Type", "text/plain")},
			status: 415, code: "unsupported_content_type",
		},
	} {
		_, err := c.Chat.Completions.New(t.Context(), tt.ask, tt.options...)
		got, ok := errors.AsType[*openai.Error](err)
		if !ok || got.StatusCode != tt.status || got.Code != tt.code || got.Param != tt.param || got.Type != "invalid_request_error" || got.Message == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
