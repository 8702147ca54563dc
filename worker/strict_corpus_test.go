package worker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
)

// corpusCase is a connection of Gunicorn's own tests, see internal/strict/testdata.
type corpusCase struct {
	Name     string
	Raw      string // a character is a byte
	Error    string // Gunicorn's name for what is wrong; "" is nothing
	Requests []corpusRequest
}

type corpusRequest struct{ Method, Target, Body string }

func (c corpusCase) bytes() []byte { return latin1(c.Raw) }

func latin1(s string) []byte {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}

func corpus(tb testing.TB) (cases []corpusCase) {
	tb.Helper()
	data, err := os.ReadFile("../internal/strict/testdata/gunicorn.json")
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		tb.Fatal(err)
	}
	return cases
}

// witness is a handler that remembers what reached it.
type witness struct {
	mu       sync.Mutex
	seen     []corpusRequest
	client   string // of the last one
	variants bool   // one had a header name with an underscore
}

func (w *witness) saw(method, target, client string, body []byte, variants bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, corpusRequest{method, target, string(body)})
	w.client, w.variants = client, w.variants || variants
}

func (w *witness) take() []corpusRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

func (w *witness) apps() map[string]App {
	return map[string]App{
		"fasthttp": {FastHTTP: func(ctx *fasthttp.RequestCtx) {
			h := &ctx.Request.Header
			w.saw(string(ctx.Method()), string(ctx.RequestURI()), ctx.RemoteAddr().String(), ctx.PostBody(),
				len(h.Peek("Content_Length"))+len(h.Peek("Transfer_Encoding")) > 0)
		}},
		"net/http": {HTTP: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil { // as handlers do; what the connection refused is answered already
				http.Error(rw, "incomplete", http.StatusBadRequest)
				return
			}
			w.saw(r.Method, r.RequestURI, r.RemoteAddr, body, len(r.Header["Content_length"])+len(r.Header["Transfer_encoding"]) > 0)
		})},
	}
}

// exchange sends a connection's bytes, in pieces of a size, and reads all that comes back.
func exchangeRaw(tb testing.TB, addr string, raw []byte, piece int) string {
	tb.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	go func() {
		for len(raw) > 0 {
			n := min(piece, len(raw))
			if _, err := c.Write(raw[:n]); err != nil {
				return
			}
			raw = raw[n:]
		}
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	answer, _ := io.ReadAll(c)
	return string(answer)
}

func withHost(raw []byte) []byte {
	if !bytes.Contains(bytes.ToLower(raw), []byte("\nhost")) {
		raw = bytes.ReplaceAll(raw, []byte(" HTTP/1.1\r\n"), []byte(" HTTP/1.1\r\nHost: a\r\n"))
	}
	return raw
}

// different are the connections that Gunicorn serves and we do not: our answer
// and why. RFC 9110 and 9112 allow both.
var different = map[string]struct{ status, why string }{
	"valid/009":                             {"501", "identity is no transfer coding since RFC 7230"},
	"valid/012":                             {"400", "Content-Type says how to read the content: not in trailers, RFC 9110 6.5.1"},
	"valid/025":                             {"501", "gzip as a transfer coding is answered with 501, RFC 9112 6.1"},
	"valid/025_line":                        {"501", "as 025"},
	"valid/029":                             {"501", "as 009"},
	"valid/030":                             {"501", "as 009"},
	"valid/099":                             {"400", "its body is shorter than its Content-Length"},
	"valid/rfc9112_smuggle_gzip_chunked_01": {"501", "as 025"},
	"valid/rfc9112_smuggle_te_identity_chunked_01": {"501", "as 009"},
	"valid/rfc9112_target_absolute_userinfo_01":    {"400", "user names in a target are refused, RFC 9110 4.2.4"},
}

// refusedWith are the statuses that a malformed request may get; none is a closed connection.
var refusedWith = []string{"400", "414", "431", "501", "505"}

// unseen do not reach the application, whatever the worker does.
var unseen = map[string]string{
	"net/http valid/rfc9112_target_asterisk_options_01": "net/http answers OPTIONS * itself",
}

// TestCorpus sends every connection of Gunicorn's tests, whole and byte by byte.
func TestCorpus(t *testing.T) {
	w := &witness{}
	for name, app := range w.apps() {
		tc := serveApp(t, app, limited)
		for _, c := range corpus(t) {
			raw := c.bytes()
			if c.Name != "valid/020" { // there it would be in a body
				raw = withHost(raw)
			}
			for _, piece := range []int{len(raw), 1} {
				what := fmt.Sprintf("%s %s in pieces of %d", name, c.Name, piece)
				codes := statuses(exchangeRaw(t, tc.addr, raw, piece))
				seen := w.take()
				if d, ok := different[c.Name]; ok {
					if len(seen) > 0 || strings.Join(codes, " ") != d.status {
						t.Errorf("%s: statuses %v, want %q, for %s; the handler saw %q", what, codes, d.status, d.why, seen)
					}
					continue
				}
				if c.Error != "" {
					if len(seen) > 0 || len(codes) > 1 || len(codes) == 1 && !slices.Contains(refusedWith, codes[0]) {
						t.Errorf("%s (%s): statuses %v, the handler saw %q", what, c.Error, codes, seen)
					}
					continue
				}
				want := wanted(c)
				if unseen[name+" "+c.Name] != "" {
					want = nil
				}
				if fmt.Sprint(seen) != fmt.Sprint(want) || len(codes) != len(c.Requests) || slices.ContainsFunc(codes, func(s string) bool { return s != "200" }) {
					t.Errorf("%s: statuses %v, the handler saw %q; want %q", what, codes, seen, want)
				}
			}
		}
	}
}

// wanted is what the handler must see, in bytes.
func wanted(c corpusCase) (list []corpusRequest) {
	for _, r := range c.Requests {
		list = append(list, corpusRequest{r.Method, string(latin1(r.Target)), string(latin1(r.Body))})
	}
	return list
}

func statuses(answer string) (codes []string) {
	for _, part := range strings.Split(answer, "HTTP/1.")[1:] {
		if code := part[2:5]; part[1] == ' ' && code[0] >= '1' && code[0] <= '5' { // not in a message
			codes = append(codes, code)
		}
	}
	return codes
}

// limited are the defaults of the settings that the entrance knows.
func limited(s *config.Settings) { s.HTTP = config.Defaults(1).HTTP }
