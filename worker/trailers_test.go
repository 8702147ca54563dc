package worker

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
)

// What comes before a response and behind it, and behind a request, arrives in both protocols of
// net/http programs.
func TestHintsAndTrailers(t *testing.T) {
	t.Parallel()
	const link = "</style.css>; rel=preload"
	app := overHTTP2(App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Link", link)
		w.WriteHeader(http.StatusEarlyHints)
		h.Del("Link")
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h.Set("Trailer", "X-Declared")
		fmt.Fprintf(w, "%s, %s", body, r.Trailer.Get("X-Sum"))
		h.Set("X-Declared", "as said")
		h.Set(http.TrailerPrefix+"X-Late", "too")
	})})
	for major := 1; major <= 2; major++ {
		t.Run(fmt.Sprint("HTTP/", major), func(t *testing.T) {
			t.Parallel()
			tc := serveApp(t, app, anything)
			tr := &http.Transport{Protocols: new(http.Protocols)}
			tr.Protocols.SetHTTP1(major == 1)
			tr.Protocols.SetUnencryptedHTTP2(major == 2)
			t.Cleanup(tr.CloseIdleConnections)
			var hints []string
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
					hints = append(hints, fmt.Sprint(code, " ", h.Get("Link")))
					return nil
				},
			})
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+tc.addr+"/", io.MultiReader(strings.NewReader("hello")))
			if err != nil {
				t.Fatal(err)
			}
			req.Trailer = http.Header{"X-Sum": {"5d41"}}
			resp, err := (&http.Client{Transport: tr, Timeout: patience}).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := readAll(resp)
			if resp.ProtoMajor != major || resp.StatusCode != 200 || body != "hello, 5d41" || err != nil {
				t.Errorf("%s %d %q, %v", resp.Proto, resp.StatusCode, body, err)
			}
			if len(hints) != 1 || hints[0] != "103 "+link || resp.Header.Get("Link") != "" {
				t.Errorf("hints %q, and then %q", hints, resp.Header["Link"])
			}
			if resp.Trailer.Get("X-Declared") != "as said" || resp.Trailer.Get("X-Late") != "too" {
				t.Errorf("trailers %v", resp.Trailer)
			}
		})
	}
}
