package upstreamtest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func started(t *testing.T) *Server {
	t.Helper()
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func post(t *testing.T, ctx context.Context, url, body string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return http.DefaultClient.Do(r)
}

func read(t *testing.T, s *Server, path, body string) string {
	t.Helper()
	resp, err := post(t, t.Context(), s.URL()+path, body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// eventually polls until ok; the deadline only guards against hanging.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("never happened: " + what)
		}
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	s := started(t)
	for path, want := range map[string]string{
		"/chat/completions": `"object":"chat.completion"`,
		"/completions":      `"object":"text_completion"`,
		"/embeddings":       `"embedding":[0.25,-0.5,1]`,
		"/responses":        `"object":"response"`,
		"/models":           `"id":"test-model"`,
	} {
		got := read(t, s, path, `{"model":"m"}`)
		if !json.Valid([]byte(got)) || !strings.Contains(got, want) {
			t.Errorf("%s: %s has no %s", path, got, want)
		}
	}
	s.Answer(Answer{Tool: "weather", Arguments: `{"city":"Oslo"}`})
	if got := read(t, s, "/chat/completions", `{}`); !strings.Contains(got, `"tool_calls"`) || !strings.Contains(got, `{\"city\":\"Oslo\"}`) {
		t.Errorf("no tool call in %s", got)
	}
	if got := s.Last(); got.Path != "/v1/chat/completions" || got.N != 6 {
		t.Errorf("the last request is %+v", got)
	}
}

func TestStreams(t *testing.T) {
	t.Parallel()
	s := started(t)
	s.Answer(Answer{Tokens: 3, Text: "a b"})
	got := read(t, s, "/chat/completions", `{"stream":true,"stream_options":{"include_usage":true}}`)
	events := strings.Split(strings.TrimSuffix(got, "\n\n"), "\n\n")
	if len(events) != 7 || events[6] != "data: [DONE]" || !strings.Contains(events[5], `"completion_tokens":3`) {
		t.Errorf("got %d events: %q", len(events), events)
	}
	if got := read(t, s, "/responses", `{"stream":true}`); !strings.HasPrefix(got, "event: response.created\n") || strings.Contains(got, "[DONE]") {
		t.Errorf("a stream of responses is %s", got)
	}
	s.Answer(Answer{Tokens: 3, BreakAfter: 2, BreakInside: true})
	resp, err := post(t, t.Context(), s.URL()+"/chat/completions", `{"stream":true}`)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err == nil || strings.Count(string(all), "\n\n") != 2 || strings.HasSuffix(string(all), "\n\n") {
		t.Errorf("a stream that breaks inside its third event is %q, %v", all, err)
	}
}

func TestCountsAndCancels(t *testing.T) {
	t.Parallel()
	s := started(t)
	s.Answer(Answer{StallAfter: -1})
	ctx, leave := context.WithCancel(t.Context())
	var crowd sync.WaitGroup
	for range 5 {
		crowd.Go(func() {
			resp, err := post(t, ctx, s.URL()+"/chat/completions", `{}`)
			if err == nil {
				resp.Body.Close()
				t.Error("a stalled request was answered")
			}
		})
	}
	eventually(t, "five requests at once", func() bool { return s.Active() == 5 })
	leave()
	crowd.Wait()
	eventually(t, "five cancelled requests", func() bool { return len(s.Cancelled()) == 5 && s.Active() == 0 })
	if got := s.MaxActive(); got != 5 {
		t.Errorf("at most %d at once, want 5", got)
	}
}

// Close ends what is under way, so that a test that fails does not hang.
func TestCloseEndsStalls(t *testing.T) {
	t.Parallel()
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	s.Answer(Answer{StallAfter: 1})
	resp, err := post(t, t.Context(), s.URL()+"/chat/completions", `{"stream":true}`)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	s.Close()
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the stream ended well")
	}
	s.Close() // again is fine
}
