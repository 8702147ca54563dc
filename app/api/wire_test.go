package api

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/webchasor/webchasor/internal/config"
)

// onWire serves the API on an in-memory network, with streams as the worker
// makes them: a pipe that a failed stream breaks. It returns net/http's client,
// because a client other than fasthttp's sees what fasthttp would forgive.
func onWire(t *testing.T, limits config.API) (*server, *http.Client) {
	t.Helper()
	f := newFakeHost(t)
	s := newTestServer(limits, f)
	s.host.stream = func(ctx *fasthttp.RequestCtx, fn func(context.Context, Writer) error) {
		r, w := io.Pipe()
		ctx.Response.SetBodyStream(r, -1)
		go func() {
			b := bufio.NewWriter(w)
			err := fn(f.alive, b)
			if err == nil {
				err = b.Flush()
			}
			_ = w.CloseWithError(err)
		}()
	}
	ln := fasthttputil.NewInmemoryListener()
	served := make(chan error, 1)
	web := &fasthttp.Server{Handler: s.handle, Logger: quiet{}}
	go func() { served <- web.Serve(ln) }()
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return ln.Dial() },
	}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		_ = ln.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s, client
}

// quiet drops fasthttp's lines about the connections that tests break.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// begin asks for a chat completion and leaves reading the answer, and closing it, to the caller.
func begin(ctx context.Context, t *testing.T, client *http.Client, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, "POST", "http://api/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func send(t *testing.T, client *http.Client, method, path string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://api"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func TestWireHead(t *testing.T) {
	_, client := onWire(t, testLimits)
	for _, path := range []string{"/", "/health", "/ready", "/v1/models", "/v1/models/echo"} {
		resp, body := send(t, client, "HEAD", path, nil)
		if resp.StatusCode != 200 || body != "" || resp.ContentLength <= 0 {
			t.Errorf("HEAD %s: status %d, %d bytes announced, body %q", path, resp.StatusCode, resp.ContentLength, body)
		}
	}
	if resp, _ := send(t, client, "HEAD", "/v1/chat/completions", nil); resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
		t.Errorf("HEAD of chat: %d, Allow %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
}

func TestWireChat(t *testing.T) {
	s, client := onWire(t, testLimits)
	for range 3 { // one keep-alive connection
		resp, body := send(t, client, "POST", "/v1/chat/completions", strings.NewReader(hello))
		if resp.StatusCode != 200 || !strings.Contains(body, `"content":"Hello, little world"`) {
			t.Errorf("plain: %d %s", resp.StatusCode, body)
		}
		resp, body = send(t, client, "POST", "/v1/chat/completions", strings.NewReader(helloStream))
		if last, n := lastEvent(t, body); resp.StatusCode != 200 || last != "[DONE]" || n != 3 {
			t.Errorf("stream: %d, %d pieces, last %q", resp.StatusCode, n, last)
		}
	}
	// A chunked body is as good as one with a length.
	if resp, body := send(t, client, "POST", "/v1/chat/completions", io.MultiReader(strings.NewReader(hello))); resp.StatusCode != 200 {
		t.Errorf("chunked: %d %s", resp.StatusCode, body)
	}
	wantIdle(t, s)
}

// Events reach the client as they are made, not when the answer is whole.
func TestWireStreamsAtOnce(t *testing.T) {
	s, client := onWire(t, testLimits)
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://api/v1/chat/completions", strings.NewReader(helloStream))
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	defer cancel()
	req.Header.Set("X-Echo-Token-Delay", "1m")
	resp, err := client.Do(req.WithContext(gone))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), `"content":"Hello,"`) {
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	if got := s.limits.Load().LLM; got != 1 {
		t.Errorf("%d LLM permits in use inside a stream, want 1", got)
	}
}

// A stream that failed without a word looks broken: the last chunk is missing.
func TestWireBrokenStream(t *testing.T) {
	s, client := onWire(t, testLimits)
	inner := s.host.stream
	s.host.stream = func(ctx *fasthttp.RequestCtx, fn func(context.Context, Writer) error) {
		inner(ctx, func(alive context.Context, w Writer) error {
			over, end := context.WithCancelCause(alive)
			end(errTestGone)
			return fn(over, w)
		})
	}
	resp := begin(t.Context(), t, client, helloStream)
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the stream ended as if it were whole: %q", body)
	}
}

// The largest body that is allowed is parsed, not refused.
func TestWireLargestBody(t *testing.T) {
	_, client := onWire(t, testLimits)
	body := hello + strings.Repeat(" ", maxBody-len(hello))
	resp, text := send(t, client, "POST", "/v1/chat/completions", strings.NewReader(body))
	if resp.StatusCode != 200 {
		t.Errorf("%d %.200s", resp.StatusCode, text)
	}
}
