package api

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/webchasor/webchasor/internal/config"
)

func ask(text string, pace config.Echo) *Request {
	return &Request{Model: "echo", Messages: []Message{{"user", text}}, Echo: pace}
}

// pieces streams an answer and returns what was emitted.
func pieces(t *testing.T, r *Request) ([]string, Answer) {
	t.Helper()
	var all []string
	a, err := echo{}.Stream(t.Context(), r, func(p string) error {
		all = append(all, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, a
}

func TestEcho(t *testing.T) {
	tests := []struct {
		name, text string
		tokens     int
		max        int
		want       string // pieces separated by |
		finish     string
	}{
		{name: "words", text: "Hello, little world", want: "Hello,| little| world", finish: "stop"},
		{name: "spaces stay", text: "  a\n\nb\t ", want: "  a|\n\nb|\t ", finish: "stop"},
		{name: "a long word", text: strings.Repeat("x", 20), want: "xxxxxxxxxxxxxxxx|xxxx", finish: "stop"},
		{name: "no spaces", text: strings.Repeat("你好", 9), want: strings.Repeat("你好", 8) + "|你好", finish: "stop"},
		{name: "nothing", text: "", want: "", finish: "stop"},
		{name: "cut", text: "a b c", max: 2, want: "a| b", finish: "length"},
		{name: "just not cut", text: "a b c", max: 3, want: "a| b| c", finish: "stop"},
		{name: "more than there is", text: "a b", tokens: 5, want: "a| b| a| b| a", finish: "stop"},
		{name: "its own space is enough", text: " a", tokens: 2, want: " a| a", finish: "stop"},
		{name: "fewer than there are", text: "a b c", tokens: 1, want: "a", finish: "stop"},
		{name: "something from nothing", text: "", tokens: 2, want: "echo| echo", finish: "stop"},
		{name: "count and limit", text: "a", tokens: 9, max: 2, want: "a| a", finish: "length"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := ask(tt.text, config.Echo{Tokens: tt.tokens})
			r.MaxTokens = tt.max
			all, a := pieces(t, r)
			if got := strings.Join(all, "|"); got != tt.want || a.FinishReason != tt.finish {
				t.Errorf("got %q (%s), want %q (%s)", got, a.FinishReason, tt.want, tt.finish)
			}
			if a.CompletionTokens != len(all) {
				t.Errorf("%d completion tokens for %d pieces", a.CompletionTokens, len(all))
			}
			whole, err := echo{}.Complete(t.Context(), r)
			if err != nil || whole.Text != strings.Join(all, "") || whole.CompletionTokens != a.CompletionTokens {
				t.Errorf("Complete = %+v, %v; the stream said %q", whole, err, all)
			}
		})
	}
}

func TestEchoPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		_, err := echo{}.Stream(t.Context(), ask("a b c", config.Echo{FirstTokenDelay: 2 * time.Second, TokenDelay: 50 * time.Millisecond}), func(string) error {
			at = append(at, time.Since(begin))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(at) != 3 || at[0] != 2*time.Second || at[1] != 2050*time.Millisecond || at[2] != 2100*time.Millisecond {
			t.Errorf("tokens came at %v", at)
		}
	})
}

// The end of its context stops an answer at once, with the cause.
func TestEchoStops(t *testing.T) {
	for name, pace := range map[string]config.Echo{
		"first token": {FirstTokenDelay: time.Minute},
		"next token":  {TokenDelay: time.Minute},
		"no delay":    {Tokens: maxEchoTokens},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := context.WithCancelCause(t.Context())
				begin := time.Now()
				time.AfterFunc(time.Second, func() { end(errTestGone) })
				n := 0
				_, err := echo{}.Stream(ctx, ask("a b c", pace), func(string) error {
					if n++; n == 2 {
						end(errTestGone)
					}
					return nil
				})
				if !errors.Is(err, errTestGone) || n > 2 {
					t.Errorf("%d tokens and %v, want at most 2 and the cause", n, err)
				}
				if took := time.Since(begin); took > time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// FuzzTokens: tokens are small whole runes, and together they are the text.
func FuzzTokens(f *testing.F) {
	for _, seed := range []string{"", "Hello, little world", " \t\n", "👩‍🚀 e\u0301", strings.Repeat("é", 40)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "\ufffd")
		var joined strings.Builder
		n := 0
		for all := newTokens(text, 0); ; n++ {
			token, ok := all.next()
			if !ok {
				break
			}
			if token == "" || utf8.RuneCountInString(token) > tokenRunes || !utf8.ValidString(token) {
				t.Fatalf("token %q of %q", token, text)
			}
			joined.WriteString(token)
		}
		if joined.String() != text || n != countTokens(text) {
			t.Fatalf("%d tokens %q of %q, countTokens says %d", n, joined.String(), text, countTokens(text))
		}
	})
}

// FuzzAppendString: what comes out is one line of JSON that reads as the text.
func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", `a"b\c`, "\x00\x1f\x7f\n\r\t", "你好\u2028\u2029", "\xff\xc3", "<b>&"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out := appendString([]byte("x"), text)[1:]
		var back string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if strings.ContainsAny(string(out), "\n\r\u2028\u2029") {
			t.Fatalf("more than one line: %q", out)
		}
		// encoding/json is the reference for what is not UTF-8.
		ref, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var want string
		if err := json.Unmarshal(ref, &want); err != nil || back != want {
			t.Fatalf("%q reads as %q, want %q", out, back, want)
		}
	})
}
