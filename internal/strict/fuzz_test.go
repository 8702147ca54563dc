package strict

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// FuzzCheck holds the checker to three things: pieces do not matter; what it
// accepts ends, for net/http and for fasthttp, where it ends for the checker;
// and what net/http refuses is refused, but for the kinds that docs/http.md names.
func FuzzCheck(f *testing.F) {
	var cases []struct{ Raw string }
	data, err := os.ReadFile("testdata/gunicorn.json")
	if err == nil {
		err = json.Unmarshal(data, &cases)
	}
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		var raw []byte
		for _, r := range c.Raw {
			raw = append(raw, byte(r))
		}
		f.Add(raw)
		f.Add(bytes.ReplaceAll(raw, []byte(" HTTP/1.1\r\n"), []byte(" HTTP/1.1\r\nHost: a\r\n")))
	}
	f.Fuzz(checkAgainstOthers)
}

func checkAgainstOthers(t *testing.T, raw []byte) {
	limits := &Limits{Line: 4094, Fields: 100, FieldSize: 8190, Head: 16384, Body: 1 << 20}
	whole, bytewise := New(limits), New(limits)
	n, why := whole.Feed(raw)
	m, slow := 0, OK
	for i := 0; i < len(raw) && slow == OK; i++ {
		var k int
		k, slow = bytewise.Feed(raw[i : i+1])
		m += k
	}
	if slow != why || why != HeadTooLong && m != n {
		t.Fatalf("whole: %d bytes, %q; byte by byte: %d bytes, %q", n, why, m, slow)
	}
	first := New(limits)
	end := 0 // of the first request
	for end < n && first.Requests() == 0 {
		if _, why := first.Feed(raw[end : end+1]); why != OK {
			break
		}
		end++
	}
	complete := first.Requests() == 1
	request, body, used, err := readHTTP(raw[:n])
	if !complete {
		if err == nil {
			t.Fatalf("net/http takes %d bytes of %q as a request, the checker none", used, raw[:n])
		}
		return
	}
	if err != nil {
		if !forgiven(raw[:end]) {
			t.Fatalf("net/http refuses %q: %v", raw[:end], err)
		}
	} else if used != end {
		t.Fatalf("the first request of %q ends at %d, for net/http at %d", raw, end, used)
	}
	method, fastBody, fastUsed, fastErr := readFast(raw[:n])
	if fastErr != nil {
		if err == nil && !fastForgiven(raw[:end], fastErr) {
			t.Fatalf("fasthttp refuses %q: %v", raw[:end], fastErr)
		}
		return
	}
	if fastUsed != end {
		t.Fatalf("the first request of %q ends at %d, for fasthttp at %d", raw, end, fastUsed)
	}
	if err == nil && (method != request.Method || !bytes.Equal(body, fastBody)) {
		t.Fatalf("%q: net/http reads %s %q, fasthttp %s %q", raw, request.Method, body, method, fastBody)
	}
}

// readHTTP reads the first request as net/http does.
func readHTTP(raw []byte) (r *http.Request, body []byte, used int, err error) {
	in := bytes.NewReader(raw)
	br := bufio.NewReader(in)
	if r, err = http.ReadRequest(br); err == nil {
		body, err = io.ReadAll(r.Body)
	}
	return r, body, len(raw) - in.Len() - br.Buffered(), err
}

func readFast(raw []byte) (method string, body []byte, used int, err error) {
	in := bytes.NewReader(raw)
	br := bufio.NewReaderSize(in, 16384)
	var r fasthttp.Request
	if err = r.ReadLimitBody(br, 1<<20); err == nil && r.MayContinue() {
		err = r.ContinueReadBody(br, 1<<20)
	}
	return string(r.Header.Method()), r.Body(), len(raw) - in.Len() - br.Buffered(), err
}

// forgiven are requests that net/http refuses and the checker does not.
func forgiven(raw []byte) bool {
	line, _, _ := strings.Cut(strings.TrimPrefix(string(raw), "\r\n"), "\r\n")
	return strings.HasPrefix(string(raw), "\r\n") || // an empty line before the request
		strings.ContainsAny(line, "%[:") // escapes and hosts in the target that net/url cannot parse
}

// fastForgiven are errors of fasthttp about requests that the checker lets through.
func fastForgiven(_ []byte, err error) bool {
	for _, text := range []string{
		"missing required host header", // an empty Host
	} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}
