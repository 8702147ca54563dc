package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/app/api/limit"
)

// fakeProvider says a, b, c, or fails.
type fakeProvider struct {
	err    error // after the first piece
	panics bool
}

func (fakeProvider) Models() []Model { return []Model{{ID: "fake"}} }

func (p fakeProvider) Complete(context.Context, *Request) (Answer, error) {
	if p.panics {
		panic("provider")
	}
	return Answer{Text: "abc", FinishReason: "stop"}, p.err
}

func (p fakeProvider) Stream(_ context.Context, _ *Request, emit func(string) error) (Answer, error) {
	for _, piece := range []string{"a", "b", "c"} {
		if err := emit(piece); err != nil {
			return Answer{}, err
		}
		if p.panics {
			panic("provider")
		}
		if p.err != nil {
			return Answer{}, p.err
		}
	}
	return Answer{FinishReason: "stop"}, nil
}

// lastEvent returns the text of a stream's last event and the number of pieces
// of content before it.
func lastEvent(t *testing.T, sent string) (last string, pieces int) {
	t.Helper()
	if !strings.HasSuffix(sent, "\n\n") {
		t.Fatalf("the stream ends inside an event: %q", sent)
	}
	events := strings.SplitSeq(strings.TrimSuffix(sent, "\n\n"), "\n\n")
	for e := range events {
		text, ok := strings.CutPrefix(e, "data: ")
		if !ok || strings.Contains(text, "\n") {
			t.Fatalf("not one data line: %q", e)
		}
		if text != "[DONE]" && !json.Valid([]byte(text)) {
			t.Fatalf("not JSON: %q", text)
		}
		if strings.Contains(text, `"delta":{"content":`) {
			pieces++
		}
		last = text
	}
	return last, pieces
}

// A stream that was cut short says so, and never [DONE].
func TestStreamEndsEarly(t *testing.T) {
	tests := []struct {
		name  string
		cause error
		code  string // of the terminal error event; empty is none
	}{
		{"drain", errTestDrain, "server_draining"},
		{"timeout", errTestTimeout, "request_timeout"},
		{"client gone", errTestGone, ""},
	}
	const slow = `{"stream":true,"messages":[{"role":"user","content":"one two three four"}],"webchasor":{"token_delay":"5m"}}`
	const fast = `{"stream":true,"messages":[{"role":"user","content":"one two three four"}]}`
	for _, tt := range tests {
		for body, want := range map[string]time.Duration{slow: 5 * time.Minute, fast: 0} {
			t.Run(fmt.Sprint(tt.name, " ", want), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFakeHost(t)
					f.out.flushed = func(n int) error {
						if n == 3 { // the role and two tokens are out
							f.end(tt.cause)
						}
						return nil
					}
					s := newTestServer(testLimits, f)
					begin := time.Now()
					chat(s, body)
					if took := time.Since(begin); took != want {
						t.Errorf("it ended after %v, want %v", took, want)
					}
					last, pieces := lastEvent(t, f.out.sent.String())
					if pieces != 2 {
						t.Errorf("%d pieces, want 2", pieces)
					}
					if strings.Contains(f.out.sent.String(), "[DONE]") {
						t.Error("a stream that was cut short says [DONE]")
					}
					if tt.code == "" {
						if strings.Contains(last, `"error"`) || !errors.Is(f.streamed, tt.cause) {
							t.Errorf("last event %s, stream ended with %v, want no event and the cause", last, f.streamed)
						}
					} else if e := envelope(t, []byte(last)); e.Code != tt.code || f.streamed != nil {
						t.Errorf("last event %s, stream ended with %v, want code %s and nil", last, f.streamed, tt.code)
					}
					wantIdle(t, s)
				})
			})
		}
	}
}

// A client that does not take the bytes ends the answer at the first of them.
func TestStreamWriteFails(t *testing.T) {
	for at := 1; at <= 4; at++ {
		f := newFakeHost(t)
		f.out.flushed = func(n int) error {
			if n >= at {
				return io.ErrClosedPipe
			}
			return nil
		}
		s := newTestServer(testLimits, f)
		chat(s, helloStream)
		if !errors.Is(f.streamed, io.ErrClosedPipe) || f.out.flushes != at {
			t.Errorf("flush %d failed: %d flushes and %v, want %d and the error", at, f.out.flushes, f.streamed, at)
		}
		wantIdle(t, s)
	}
}

func TestProviderFails(t *testing.T) {
	busy := &Error{Status: 429, Message: "slow down", Type: "requests", Code: "rate_limit_exceeded", RetryAfter: 7}
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{errProviderBroke, 502, "provider_error"},
		{busy, 429, "rate_limit_exceeded"},
	} {
		f := newFakeHost(t)
		s := newTestServer(testLimits, f)
		s.byModel["echo"] = fakeProvider{err: tt.err}
		resp := chat(s, hello)
		if e := envelope(t, resp.Body()); resp.StatusCode() != tt.status || e.Code != tt.code {
			t.Errorf("plain: %d %+v, want %d %s", resp.StatusCode(), e, tt.status, tt.code)
		}
		if strings.Contains(string(resp.Body()), "upstream") {
			t.Errorf("the provider's own words went to the client: %s", resp.Body())
		}
		chat(s, helloStream)
		last, _ := lastEvent(t, f.out.sent.String())
		if e := envelope(t, []byte(last)); e.Code != tt.code {
			t.Errorf("stream: last event %s, want code %s", last, tt.code)
		}
		wantIdle(t, s)
	}
}

// A plain answer that is ended while the provider works.
func TestCompletionEnds(t *testing.T) {
	for cause, want := range map[error]struct {
		status int
		code   string
	}{
		errTestTimeout: {503, "request_timeout"},
		errTestDrain:   {503, "server_draining"},
		errTestGone:    {499, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeHost(t)
			s := newTestServer(testLimits, f)
			time.AfterFunc(time.Second, func() { f.end(cause) })
			begin := time.Now()
			resp := chat(s, hello, "X-Echo-First-Token-Delay: 1m")
			wantEnd(t, resp, want.status, want.code)
			if took := time.Since(begin); took != time.Second {
				t.Errorf("it took %v, want 1s", took)
			}
			wantIdle(t, s)
		})
	}
}

// The permit is held until the last byte of the stream.
func TestStreamHoldsPermit(t *testing.T) {
	f := newFakeHost(t)
	s := newTestServer(testLimits, f)
	f.out.flushed = func(n int) error {
		if got := (limit.Load{API: 1, LLM: 1}); s.limits.Load() != got {
			t.Errorf("load %+v at flush %d, want %+v", s.limits.Load(), n, got)
		}
		return nil
	}
	chat(s, helloStream)
	if f.out.flushes != 5 { // role, three tokens, the end
		t.Errorf("%d flushes, want 5", f.out.flushes)
	}
	wantIdle(t, s)
}

// A worker never writes the response of a request that it answered itself: then
// the stream does not begin, and its permit comes back with the context's end.
func TestStreamNeverBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeHost(t)
		s := newTestServer(testLimits, f)
		s.host.stream = func(*fasthttp.RequestCtx, func(context.Context, Writer) error) {}
		chat(s, helloStream)
		if got := s.limits.Load().LLM; got != 1 {
			t.Fatalf("%d LLM permits in use before the stream, want 1", got)
		}
		f.end(errTestTimeout)
		synctest.Wait()
		wantIdle(t, s)
	})
}

// The last word of a stream whose context has ended is still under its permit.
func TestStreamHoldsPermitToTheLastWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeHost(t)
		s := newTestServer(testLimits, f)
		f.out.flushed = func(n int) error {
			f.end(errTestDrain)
			synctest.Wait()
			if got := s.limits.Load().LLM; got != 1 {
				t.Errorf("%d LLM permits in use at flush %d, want 1", got, n)
			}
			return nil
		}
		chat(s, helloStream)
		if f.out.flushes != 2 {
			t.Errorf("%d flushes, want the role and the error", f.out.flushes)
		}
		wantIdle(t, s)
	})
}
