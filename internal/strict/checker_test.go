package strict

import (
	"strings"
	"testing"
)

// get is a request that is fine but for what is put in.
const host = "Host: a\r\n"

// TestReasons has one request for every reason and its nearest acceptable
// neighbours. A ^ stands before the first byte that is refused.
func TestReasons(t *testing.T) {
	limits := Limits{Line: 64, Fields: 5, FieldSize: 40, Head: 160, Body: 20}
	for _, c := range []struct {
		raw  string
		want Reason
	}{
		{"GET / HTTP/1.1\r\n" + host + "\r\n", OK},
		{"\r\nGET / HTTP/1.1\r\n" + host + "\r\n", OK},
		{"\r\n^\r\nGET / HTTP/1.1\r\n" + host + "\r\n", BadMethod},
		{"^\nGET / HTTP/1.1\r\n", BareLF},
		{"\r^GET / HTTP/1.1\r\n", BareCR},
		{"GET ^ / HTTP/1.1\r\n", BadTarget},
		{"GET /^\r\n", BadRequestLine}, // HTTP/0.9
		{"GET^\r\n", BadRequestLine},
		{"GE^ / HTTP/1.1\r\n", BadMethod},
		{"GE^t / HTTP/1.1\r\n", BadMethod},
		{"^\x16\x03\x01", BadMethod}, // TLS
		{"AAAAAAAAAAAAAAAAAAAA^A / HTTP/1.1\r\n", BadMethod},
		{"M-SEARCH / HTTP/1.1\r\n" + host + "\r\n", OK},
		{"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", OK},
		{"OPTIONS *^x HTTP/1.1\r\n", BadTarget},
		{"GET ^* HTTP/1.1\r\n", BadTarget},
		{"GET ^x HTTP/1.1\r\n", BadTarget},
		{"GET h^ost HTTP/1.1\r\n", BadTarget},
		{"GET http:/^x HTTP/1.1\r\n", BadTarget},
		{"GET http://^/ HTTP/1.1\r\n", BadTarget},
		{"GET http://a^@b/ HTTP/1.1\r\n", BadTarget},
		{"GET http://[::1^ HTTP/1.1\r\n", BadTarget},
		{"GET http://a:80?x HTTP/1.1\r\n" + host + "\r\n", OK},
		{"GET HTTPS://[::1]:8/x HTTP/1.1\r\n" + host + "\r\n", OK},
		{"GET http://a HTTP/1.1\r\n" + host + "\r\n", OK},
		{"CONNECT a:1 HTTP/1.1\r\n" + host + "\r\n", OK},
		{"CONNECT a^ HTTP/1.1\r\n", BadTarget},
		{"CONNECT ^/ HTTP/1.1\r\n", BadTarget},
		{"GET /^\x7f HTTP/1.1\r\n", BadTarget},
		{"GET /^\t HTTP/1.1\r\n", BadTarget},
		{"GET / ^http/1.1\r\n", BadVersion},
		{"GET / ^ HTTP/1.1\r\n", BadVersion},
		{"GET / HTTP/1.1^ \r\n", BadVersion},
		{"GET / HTTP/1.1^1\r\n", BadVersion},
		{"GET / HTTP/^2.0\r\n", UnsupportedVersion},
		{"GET / HTTP/1.^2\r\n", UnsupportedVersion},
		{"GET / HTTP/1.0\r\n\r\n", OK},
		{"GET / HTTP/1.1\r^X", BareCR},
		{"GET / HTTP/1.1^\n", BadRequestLine},
		{"PRI ^* HTTP/2.0\r\n\r\nSM\r\n\r\n", BadTarget},
		{"GET /" + strings.Repeat("x", 50) + " HTTP/1.1\r\n" + host + "\r\n", OK},
		{"GET /" + strings.Repeat("x", 51) + " HTTP/1.^1\r\n" + host + "\r\n", LineTooLong},
		{"GET /" + strings.Repeat("x", 59) + "^xxxx", LineTooLong},
		{"GET / HTTP/1.1\r\nA: 1\r\n^ b\r\n", ObsoleteFold},
		{"GET / HTTP/1.1\r\n^ Host: a\r\n", ObsoleteFold},
		{"GET / HTTP/1.1\r\n^: x\r\n", BadFieldName},
		{"GET / HTTP/1.1\r\nA^\x00: x\r\n", BadFieldName},
		{"GET / HTTP/1.1\r\nA^\r\n", BadFieldName},
		{"GET / HTTP/1.1\r\nA^ : x\r\n", SpaceBeforeColon},
		{"GET / HTTP/1.1\r\nA: ^\x00\r\n", BadFieldValue},
		{"GET / HTTP/1.1\r\nA: b^\x07\r\n", BadFieldValue},
		{"GET / HTTP/1.1\r\nA: b^\n", BareLF},
		{"GET / HTTP/1.1\r\n" + host + "^\n", BareLF},
		{"GET / HTTP/1.1\r\nA: b\r^b\r\n", BareCR},
		{"GET / HTTP/1.1\r\n" + host + "A:\t\xff\t caf\xc3\xa9\t\r\n\r\n", OK},
		{"GET / HTTP/1.1\r\nA: " + strings.Repeat("x", 37) + "^x", FieldTooLong},
		{"GET / HTTP/1.1\r\n" + strings.Repeat("a", 40) + "^aa", FieldTooLong},
		{"GET / HTTP/1.1\r\n" + host + "a:\r\nb:\r\nc:\r\nd:\r\n^e:\r\n\r\n", TooManyFields},
		{"GET / HTTP/1.1\r\n" + strings.Repeat("a: "+strings.Repeat("x", 37)+"\r\n", 3) + "Host: abcdefghi\r\n\r^\n", HeadTooLong},
		{"GET / HTTP/1.1\r\nA: b\r\n\r^\n", NoHost},
		{"GET / HTTP/1.1\r\n" + host + "hOST:^ b\r\n", ManyHosts},
		{"GET / HTTP/1.1\r\nHost: a^@b\r\n", BadHost},
		{"GET / HTTP/1.1\r\nHost: a ^b\r\n", BadHost},
		{"GET / HTTP/1.1\r\nHost: a:8^x\r\n", BadHost},
		{"GET / HTTP/1.1\r\nHost: a^/b\r\n", BadHost},
		{"GET / HTTP/1.1\r\nHost: [::1^\r\n", BadHost},
		{"GET / HTTP/1.1\r\nHost: [::1]^x\r\n", BadHost},
		{"GET / HTTP/1.1\r\nHost:\r\n\r\n", OK},
		{"GET / HTTP/1.1\r\nhost:a:\t \r\n\r\n", OK},
		{"GET / HTTP/1.1\r\n" + host + "Content-Length: ^-1\r\n", BadLength},
		{"GET / HTTP/1.1\r\n" + host + "Content-Length: 1^,1\r\n", BadLength},
		{"GET / HTTP/1.1\r\n" + host + "Content-Length: 1 ^1\r\n", BadLength},
		{"GET / HTTP/1.1\r\n" + host + "Content-Length:^\r\n", BadLength},
		{"GET / HTTP/1.1\r\n" + host + "Content-Length: 184467440737095516^16\r\n", BadLength},
		{"GET / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length:^ 3\r\n", ManyLengths},
		{"GET / HTTP/1.1\r\n" + host + "Content-Length: 003 \r\n\r\nabc", OK},
		{"GET / HTTP/1.1\r\n" + host + "Content-Length: 20\r\n\r\n" + strings.Repeat("x", 20), OK},
		{"GET / HTTP/1.1\r\n" + host + "Content-Length: 21\r\n\r^\n", BodyTooLarge},
		{"GET / HTTP/1.1\r\n" + host + "Content-Type: a\r\ncontent-type:^ a\r\n", ManyTypes},
		{"GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: ^gzip\r\n", UnknownCoding},
		{"GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked^, gzip\r\n", UnknownCoding},
		{"GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked^x\r\n", UnknownCoding},
		{"GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: chun^ ked\r\n", UnknownCoding},
		{"GET / HTTP/1.1\r\n" + host + "Transfer-Encoding:^\r\n", UnknownCoding},
		{"GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: ^\x0bchunked\r\n", UnknownCoding},
		{"GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding:^ x\r\n", ManyCodings},
		{"GET / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r^\n", LengthAndCoding},
		{"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r^\n", CodingInHTTP10},
		{"GET / HTTP/1.1\r\n" + host + "Upgrade: x\r\n\r\n", OK},
		{"GET / HTTP/1.1\r\n" + host + "Upgrade: x\r\n\r\n^G", EarlyBytes},
	} {
		expect(t, &limits, c.raw, c.want)
	}
}

// TestChunks is about what follows a head that announces chunks.
func TestChunks(t *testing.T) {
	limits := Limits{Fields: 4, Head: 90, FieldSize: 40, Body: 20}
	for _, c := range []struct {
		raw  string
		want Reason
	}{
		{"0\r\n\r\n", OK},
		{"5\r\nhello\r\n0A\r\n0123456789\r\n000\r\n\r\n", OK},
		{"5;a;b=c; d=\"e\\\"\t\" ;f\r\nhello\r\n0\r\nVary: x\r\n\r\n", OK},
		{"5^ \r\nhello\r\n0\r\n\r\n", BadChunkSize},
		{"5^ ;a\r\nhello\r\n0\r\n\r\n", BadChunkSize},
		{"^ 5\r\n", BadChunkSize},
		{"^\r\n", BadChunkSize},
		{"^;a\r\n", BadChunkSize},
		{"^+5\r\n", BadChunkSize},
		{"^-5\r\n", BadChunkSize},
		{"0^x5\r\n", BadChunkSize},
		{"6^_0\r\n", BadChunkSize},
		{"5^\n", BareLF},
		{"5\r^5", BareCR},
		{"000000000000000^0\r\n", BadChunkSize},
		{"15^\r\n", BodyTooLarge},
		{"a\r\n0123456789\r\nb^\r\n", BodyTooLarge},
		{"5;^\r\nhello\r\n", BadChunkExtension},
		{"5;a;^\r\nhello\r\n", BadChunkExtension},
		{"5;a=^\r\nhello\r\n", BadChunkExtension},
		{"5;a=b^\x01\r\nhello\r\n", BadChunkExtension},
		{"5;a=\"b^\r\n", BadChunkExtension},
		{"5;a^\n", BareLF},
		{"5;a=val\r^ue\r\n", BareCR},
		{"5;a ^b=c d\r\n", BadChunkExtension},
		{"5;" + strings.Repeat("a", 256) + "^a", BadChunkExtension},
		{"5\r\nhello^X", BadChunkEnd},
		{"5\r\nhello\r^X", BareCR},
		{"5\r\nhello^\n", BadChunkEnd},
		{"0\r\nContent-Length:^ 1\r\n\r\n", BadTrailer},
		{"0\r\nHost:^ a\r\n\r\n", BadTrailer},
		{"0\r\nTransfer-Encoding:^ chunked\r\n\r\n", BadTrailer},
		{"0\r\nContent-Type:^ a/b\r\n\r\n", BadTrailer},
		{"0\r\nA: 1\r\nB: 2\r\n^C: 3\r\n\r\n", TooManyFields},
		{"0\r\nA: 012345678901234567890123456789\r\n\r^\n", HeadTooLong},
		{"0\r\nA^ : 1\r\n\r\n", SpaceBeforeColon},
		{"0\r\nA: 1\r\n^\tx\r\n\r\n", ObsoleteFold},
	} {
		expect(t, &limits, "POST /x HTTP/1.1\r\n"+host+"Transfer-Encoding: Chunked \r\n\r\n"+c.raw, c.want)
	}
}

// expect feeds raw whole, byte by byte, and behind a request that is fine.
func expect(t *testing.T, limits *Limits, raw string, want Reason) {
	t.Helper()
	at := strings.IndexByte(raw, '^')
	raw = strings.Replace(raw, "^", "", 1)
	if at < 0 {
		at = len(raw)
	}
	const before = "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc"
	for _, first := range []string{"", before} {
		whole, bytewise := New(limits), New(limits)
		n, why := whole.Feed([]byte(first + raw))
		if n != len(first)+at || why != want {
			t.Errorf("%q: %d bytes, %q; want %d, %q", raw, n-len(first), why, at, want)
		}
		m, slow := 0, OK
		for i := 0; i < len(first)+len(raw) && slow == OK; i++ {
			var k int
			k, slow = bytewise.Feed([]byte{(first + raw)[i]})
			m += k
		}
		if slow != why || why == OK && m != n || m < n && why != HeadTooLong {
			t.Errorf("%q byte by byte: %d bytes, %q; whole: %d, %q", raw, m, slow, n, why)
		}
		if why != OK {
			if n, again := whole.Feed([]byte("GET")); n != 0 || again != why {
				t.Errorf("%q: after the refusal %d bytes, %q", raw, n, again)
			}
		} else if !whole.Between() || whole.Requests() != bytewise.Requests() {
			t.Errorf("%q: not at a request's end", raw)
		}
	}
}

func TestPipeline(t *testing.T) {
	c := New(&Limits{})
	raw := "GET /1 HTTP/1.1\r\n" + host + "\r\nPOST /2 HTTP/1.1\r\n" + host + "Content-Length: 4\r\n\r\nbody" +
		"POST /3 HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n\r\nGET /4 HTTP/1.0\r\n\r\n"
	if n, why := c.Feed([]byte(raw)); n != len(raw) || why != OK || c.Requests() != 4 {
		t.Fatalf("%d of %d bytes, %q, %d requests", n, len(raw), why, c.Requests())
	}
}

func TestBodySize(t *testing.T) {
	c := New(&Limits{})
	feed := func(s string, inBody bool, size int64) {
		t.Helper()
		if _, why := c.Feed([]byte(s)); why != OK || c.InBody() != inBody || inBody && c.Body() != size {
			t.Fatalf("after %q: %q, in a body %v of %d", s, why, c.InBody(), c.Body())
		}
	}
	feed("POST / HTTP/1.1\r\n"+host+"Content-Length: 40\r\n\r", false, 0)
	feed("\n", true, 40)
	feed(strings.Repeat("x", 39), true, 40)
	feed("x", false, 0)
	feed("POST / HTTP/1.1\r\n"+host+"Transfer-Encoding: chunked\r\n\r\n", true, 0)
	feed("a\r\n0123456789\r\n", true, 10)
	feed("b\r\n", true, 21)
	feed("01234567890\r\n0\r\nVary", true, 21)
	feed(": x\r\n\r\n", false, 0)
}

func TestSwitch(t *testing.T) {
	c := New(&Limits{})
	ask := []byte("GET / HTTP/1.1\r\n" + host + "Upgrade: x\r\n\r\n")
	for range 2 { // answered as an ordinary request
		if n, why := c.Feed(ask); n != len(ask) || why != OK || !c.Between() {
			t.Fatal(n, why)
		}
		c.Proceed()
	}
}

func TestVariants(t *testing.T) {
	for name, want := range map[string]bool{
		"Content_Length": true, "content_LENGTH": true, "Transfer_Encoding": true,
		"Content-Lengthy": false, "X_Content_Length": false, "Content_Type": false,
	} {
		c := New(&Limits{})
		raw := "GET / HTTP/1.1\r\n" + host + name + ": 5\r\n\r\n"
		for i := range len(raw) {
			if _, why := c.Feed([]byte{raw[i]}); why != OK {
				t.Fatal(name, why)
			}
		}
		if c.Variants() != want {
			t.Errorf("%s: %v", name, c.Variants())
		}
	}
}

func TestHTTP2Preface(t *testing.T) {
	c := New(&Limits{HTTP2: true})
	if n, why := c.Feed([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00")); n != 26 || why != OK || !c.Foreign() {
		t.Errorf("%d, %q", n, why)
	}
	c = New(&Limits{HTTP2: true})
	if _, why := c.Feed([]byte("GET / HTTP/1.1\r\n" + host + "\r\nPRI * HTTP/2.0\r\n")); why != BadTarget {
		t.Errorf("in the middle of a connection: %q", why)
	}
}

func TestEveryReasonIsExplained(t *testing.T) {
	for r := OK + 1; r < Reasons; r++ {
		if r.Status() < 400 || r.String() == "" || strings.ContainsAny(r.String(), "\"\\\n") {
			t.Errorf("reason %d: %d %q", r, r.Status(), r)
		}
	}
}
