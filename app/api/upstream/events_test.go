package upstream

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// pieces reads a stream to its end and returns what Next handed out.
func pieces(t *testing.T, from io.Reader) ([]string, *Events, error) {
	t.Helper()
	e := NewEvents(from)
	var all []string
	for {
		p, err := e.Next()
		if err != nil {
			return all, e, err
		}
		if len(p) == 0 {
			t.Fatal("Next handed out nothing")
		}
		all = append(all, string(p))
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want string // pieces, byte by byte, separated by |
		done bool
	}{
		"LF":              {"data: a\n\ndata: b\n\n", "data: a\n\n|data: b\n\n", false},
		"CRLF":            {"data: a\r\n\r\ndata: b\r\n\r\n", "data: a\r\n\r\n|data: b\r\n\r\n", false},
		"CR":              {"data: a\r\rdata: b\r\r", "data: a\r\r|data: b\r\r", false},
		"mixed":           {"data: a\r\n\ndata: b\n\r\ndata: c\n\rx", "data: a\r\n\n|data: b\n\r\n|data: c\n\r|x", false},
		"lines":           {"event: x\nid: 1\ndata: a\ndata: b\n\n", "event: x\nid: 1\ndata: a\ndata: b\n\n", false},
		"comments":        {": ping\n\n:\n\n\n", ": ping\n\n|:\n\n|\n", false},
		"ends in a line":  {"data: a\n\ndata: b", "data: a\n\n|data: b", false},
		"ends in event":   {"data: a\n\ndata: b\n", "data: a\n\n|data: b\n", false},
		"ends in CR":      {"data: a\n\r", "data: a\n\r", false},
		"nothing":         {"", "", false},
		"done":            {"data: [DONE]\n\n", "data: [DONE]\n\n", true},
		"done, no blank":  {"data:[DONE]\r\n\r\n", "data:[DONE]\r\n\r\n", true},
		"done, not ended": {"data: [DONE]\n", "data: [DONE]\n", false},
		"done in text":    {"data: \"[DONE]\"\n\ndata: [DONE]x\n\n", "data: \"[DONE]\"\n\n|data: [DONE]x\n\n", false},
		"done among data": {"data: a\ndata: [DONE]\n\n", "data: a\ndata: [DONE]\n\n", false},
		"done, long line": {"data: [DONE]" + strings.Repeat(" ", 99) + "\n\n", "data: [DONE]" + strings.Repeat(" ", 99) + "\n\n", false},
		"a comment's":     {": data: [DONE]\n\n", ": data: [DONE]\n\n", false},
		"response":        {"event: response.completed\ndata: {" + strings.Repeat("x", 99) + "}\n\n", "event: response.completed\ndata: {" + strings.Repeat("x", 99) + "}\n\n", true},
		"response delta":  {"event: response.output_text.delta\ndata: {}\n\n", "event: response.output_text.delta\ndata: {}\n\n", false},
	} {
		all, e, err := pieces(t, iotest.OneByteReader(strings.NewReader(tt.text)))
		if err != io.EOF {
			t.Errorf("%s: the end is %v", name, err)
		}
		if got := strings.Join(all, "|"); got != tt.want || e.Done() != tt.done {
			t.Errorf("%s: got %q (done %v), want %q (done %v)", name, got, e.Done(), tt.want, tt.done)
		}
		all, e, _ = pieces(t, strings.NewReader(tt.text))
		if got := strings.Join(all, ""); got != tt.text || e.Done() != tt.done {
			t.Errorf("%s at once: got %q (done %v)", name, got, e.Done())
		}
	}
}

// What broke inside an event is dropped: it is no event, and what follows it must
// not become a part of it.
func TestEventsBroken(t *testing.T) {
	t.Parallel()
	broke := errors.New("connection reset")
	for _, text := range []string{"data: a\n\ndata: {\"cho", "data: a\n\ndata: b\n", "data: a\n\n"} {
		all, e, err := pieces(t, io.MultiReader(strings.NewReader(text), iotest.ErrReader(broke)))
		if !errors.Is(err, broke) || strings.Join(all, "") != "data: a\n\n" || !e.Whole() {
			t.Errorf("%q: got %q, %v, whole %v", text, all, err, e.Whole())
		}
	}
}

// An event of any size comes through unchanged; only a huge one comes in pieces.
func TestEventsLarge(t *testing.T) {
	t.Parallel()
	for _, size := range []int{eventBuffer, keepBuffer + 1, maxEventBuffer / 2, 3 * maxEventBuffer} {
		text := "data: a\n\ndata: " + strings.Repeat("x", size) + "\n\ndata: b\n\n"
		e := NewEvents(iotest.HalfReader(strings.NewReader(text)))
		var got strings.Builder
		inside := 0
		for {
			p, err := e.Next()
			if err != nil {
				break
			}
			if got.Write(p); !e.Whole() {
				inside++
			} else if !strings.HasSuffix(string(p), "\n\n") {
				t.Fatalf("size %d: a piece that ends with %q is called whole", size, p[max(0, len(p)-5):])
			}
		}
		if got.String() != text || !e.Whole() {
			t.Errorf("size %d: %d of %d bytes came through", size, got.Len(), len(text))
		}
		if (inside > 0) != (size > maxEventBuffer) {
			t.Errorf("size %d: %d pieces end inside an event", size, inside)
		}
		if cap(e.buf) > keepBuffer {
			t.Errorf("size %d: %d bytes stay in memory", size, cap(e.buf))
		}
	}
}

// ends is the obvious way to find where events end: it looks at the whole text.
func ends(text string) map[int]bool {
	found := map[int]bool{}
	line := 0 // where the current one begins
	for i := 0; i < len(text); i++ {
		if text[i] != '\n' && text[i] != '\r' {
			continue
		}
		next := i + 1
		if text[i] == '\r' && next < len(text) && text[next] == '\n' {
			next++
		}
		if i == line {
			found[next] = true
		}
		i, line = next-1, next
	}
	return found
}

func FuzzEvents(f *testing.F) {
	f.Add("data: a\n\ndata: b\r\n\r\n: c\r\rdata: [DONE]\n\n", uint64(1))
	f.Add("\r\n\r\r\n\n\r", uint64(2))
	f.Add("event: response.completed\ndata: x\n\nrest", uint64(3))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		random := readerFunc(func() func([]byte) (int, error) {
			left := text
			return func(p []byte) (int, error) {
				if left == "" {
					return 0, io.EOF
				}
				n := copy(p, left[:1+r.IntN(len(left))])
				left = left[n:]
				return n, nil
			}
		}())
		want := ends(text)
		e := NewEvents(random)
		at := 0
		for {
			p, err := e.Next()
			if err != nil {
				break
			}
			if string(p) != text[at:at+len(p)] {
				t.Fatalf("%q was changed to %q", text[at:at+len(p)], p)
			}
			at += len(p)
			if e.Whole() && !want[at] {
				t.Fatalf("offset %d of %q is called the end of an event", at, text)
			}
			if !want[at] && at != len(text) {
				t.Fatalf("handed out up to %d of %q, inside an event", at, text)
			}
		}
		if at != len(text) {
			t.Fatalf("%d of %d bytes came through", at, len(text))
		}
		_, whole, err := pieces(t, strings.NewReader(text))
		if err != io.EOF || whole.Done() != e.Done() {
			t.Fatalf("done is %v in pieces and %v at once, %v", e.Done(), whole.Done(), err)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
