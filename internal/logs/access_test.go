package logs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// in gives the tests a record of everything.
func exampleRecord() Record {
	return Record{
		Remote: "127.0.0.1", Time: noon, Method: "GET", URI: "/v1/models?a=b", Proto: "HTTP/1.1", Status: 200, Bytes: 512,
		Referer: "http://x/", UserAgent: "curl/8", Duration: 1234567 * time.Nanosecond, RequestID: "r1", PID: 1234, Slot: 2,
	}
}

func TestAccessLines(t *testing.T) {
	hostile := exampleRecord()
	hostile.URI, hostile.UserAgent, hostile.Referer, hostile.Remote = "/\"\\\n\x00ü", "\xff\t\v", "", ""
	for _, test := range []struct {
		name   string
		format AccessFormat
		record Record
		want   string
	}{
		{
			"combined", Combined, exampleRecord(),
			`127.0.0.1 - - [22/Nov/2026:12:00:03 +0100] "GET /v1/models?a=b HTTP/1.1" 200 512 "http://x/" "curl/8"`,
		},
		{
			"combined, hostile", Combined, hostile,
			`- - - [22/Nov/2026:12:00:03 +0100] "GET /\"\\\n\x00\xc3\xbc HTTP/1.1" 200 512 "-" "\xff\t\v"`,
		},
		{
			"json", AccessJSON, exampleRecord(),
			`{"time":"2026-11-22T11:00:03.123Z","msg":"access","pid":1234,"slot":2,"request_id":"r1","remote":"127.0.0.1","method":"GET",` +
				`"uri":"/v1/models?a=b","proto":"HTTP/1.1","status":200,"bytes":512,"duration":0.001235,"referer":"http://x/","user_agent":"curl/8"}`,
		},
		{
			"json, hostile", AccessJSON, hostile,
			`{"time":"2026-11-22T11:00:03.123Z","msg":"access","pid":1234,"slot":2,"request_id":"r1","remote":"","method":"GET",` +
				`"uri":"/\"\\\n\u0000ü","proto":"HTTP/1.1","status":200,"bytes":512,"duration":0.001235,"referer":"","user_agent":"\ufffd\t\u000b"}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "access.log")
			a := NewAccess(open(t, path, os.Stdout), test.format)
			a.Log(test.record)
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			a.Log(test.record) // dropped
			if err := a.Flush(); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(path)
			if err != nil || string(content) != test.want+"\n" {
				t.Errorf("got  %s(%v)\nwant %s", content, err, test.want)
			}
		})
	}
}

func TestAccessTimeChanges(t *testing.T) {
	var clock stamp
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{noon, "[22/Nov/2026:12:00:03 +0100]"},
		{noon.Add(800 * time.Millisecond), "[22/Nov/2026:12:00:03 +0100]"},
		{noon.Add(time.Second), "[22/Nov/2026:12:00:04 +0100]"},
		{noon.Add(time.Second).UTC(), "[22/Nov/2026:11:00:04 +0000]"},
	} {
		if got := string(clock.appendCombined(nil, test.at)); got != test.want {
			t.Errorf("%v is %s, want %s", test.at, got, test.want)
		}
	}
}

// Lines arrive without a Flush, the first at once and the last by the timer.
func TestAccessFlushesByItself(t *testing.T) {
	read, write := pipe(t)
	a := NewAccess(open(t, "-", write), Combined)
	const lines = 1_000
	go func() {
		for range lines {
			a.Log(exampleRecord())
		}
	}()
	in := bufio.NewScanner(read)
	for n := range lines {
		if !in.Scan() || !strings.HasSuffix(in.Text(), `"curl/8"`) {
			t.Fatalf("line %d is %q, %v", n, in.Text(), in.Err())
		}
	}
}

// Every piece is whole lines and short enough for a pipe to keep it together.
func TestAccessPieces(t *testing.T) {
	packets, write := packetPair(t)
	a := NewAccess(open(t, "-", write), Combined)
	a.flushed = time.Now().Add(time.Hour) // nothing is due
	r := exampleRecord()
	for i := range 100 {
		r.UserAgent = strings.Repeat("u", i*2)
		a.Log(r)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	lines, buf := 0, make([]byte, 1<<20)
	for lines < 100 {
		n, err := packets.Read(buf)
		if err != nil || n > pipeBuf || n < pipeBuf-500 && lines < 80 || buf[n-1] != '\n' {
			t.Fatalf("a write of %d bytes after %d lines, %v", n, lines, err)
		}
		lines += bytes.Count(buf[:n], []byte("\n"))
	}
}

func TestAccessCutsLongLinesOnAPipe(t *testing.T) {
	for _, format := range []AccessFormat{Combined, AccessJSON} {
		t.Run(string(format), func(t *testing.T) {
			read, write := pipe(t)
			a := NewAccess(open(t, "-", write), format)
			r := exampleRecord()
			r.URI, r.UserAgent, r.Referer = "/"+strings.Repeat("\x01", 9_000), strings.Repeat("ü", 9_000), strings.Repeat("\"", 9_000)
			a.Log(r)
			buf := make([]byte, 1<<20)
			n, err := read.Read(buf)
			if err != nil || n > pipeBuf || buf[n-1] != '\n' || !utf8.Valid(buf[:n]) {
				t.Fatalf("%d bytes, %v", n, err)
			}
			if format == AccessJSON {
				var object map[string]any
				if err := json.Unmarshal(buf[:n], &object); err != nil || object["truncated"] != true {
					t.Errorf("got %q, %v", buf[:n], err)
				}
			} else if strings.Count(string(buf[:n]), "...") != 3 {
				t.Errorf("cuts are not marked in %q", buf[:n])
			}
		})
	}
}

func TestAccessReportsAnOutageOnce(t *testing.T) {
	read, write := pipe(t)
	a := NewAccess(open(t, "-", write), Combined)
	var reports []error
	a.OnError(func(err error) { reports = append(reports, err) })
	read.Close()
	for range 3 {
		a.Log(exampleRecord())
		if err := a.Flush(); err == nil && len(reports) == 0 {
			t.Error("no error from a pipe without reader")
		}
	}
	if len(reports) != 1 || !errors.Is(reports[0], syscall.EPIPE) {
		t.Errorf("reports %v, want one of EPIPE", reports)
	}
}

func TestAccessLogDoesNotAllocate(t *testing.T) {
	for _, format := range []AccessFormat{Combined, AccessJSON} {
		a := NewAccess(open(t, filepath.Join(t.TempDir(), "access.log"), os.Stdout), format)
		r := exampleRecord()
		if n := testing.AllocsPerRun(10_000, func() { a.Log(r) }); n != 0 {
			t.Errorf("%s: %v allocations per line", format, n)
		}
	}
}

func FuzzAppendJSONString(f *testing.F) {
	for _, seed := range []string{"", "plain", "\"\\\n\x00\x7fü\xff\xed\xa0\x80 \u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var back string
		if err := json.Unmarshal(appendJSONString(nil, text), &back); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if want := strings.ToValidUTF8(text, "\ufffd"); utf8.ValidString(text) && back != want {
			t.Fatalf("%q came back as %q", text, back)
		}
		for _, c := range appendEscaped(nil, text) {
			if c < ' ' || c >= 0x7f {
				t.Fatalf("byte %#x in %q", c, appendEscaped(nil, text))
			}
		}
	})
}

// What a line costs: gathered as Access does, against one write each.
func BenchmarkAccess(b *testing.B) {
	for _, format := range []AccessFormat{Combined, AccessJSON} {
		for _, each := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/write-per-line=%v", format, each), func(b *testing.B) {
				s, err := Open(filepath.Join(b.TempDir(), "access.log"), os.Stdout)
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				a := NewAccess(s, format)
				r := exampleRecord()
				b.ReportAllocs()
				for b.Loop() {
					a.Log(r)
					if each {
						if err := a.Flush(); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}
