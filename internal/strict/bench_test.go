package strict

import "testing"

// A browser's request: most of a head is values.
const browser = "GET /v1/models HTTP/1.1\r\nHost: api.example.com:8000\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Authorization: Bearer sk-0123456789abcdefghijklmnopqrstuvwxyz0123456789\r\n" +
	"Connection: keep-alive\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n"

func BenchmarkFeed(b *testing.B) {
	for name, raw := range map[string]string{
		"wrk":     "GET /health HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: wrk\r\n\r\n",
		"browser": browser,
		"chat":    "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n\r\n" + string(make([]byte, 2000)),
	} {
		b.Run(name, func(b *testing.B) {
			c, p := New(&Limits{Line: 4094, Fields: 100, FieldSize: 8190, Head: 16384, Body: 1 << 20}), []byte(raw)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				if _, why := c.Feed(p); why != OK {
					b.Fatal(why)
				}
			}
		})
	}
}
