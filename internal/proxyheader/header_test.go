package proxyheader

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"
)

// made is a header from the other side of the library.
func made(tb testing.TB, version byte, client string) []byte {
	tb.Helper()
	src, dst := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(client)), &net.TCPAddr{IP: net.IPv4(192, 0, 2, 80), Port: 443}
	if src.IP.To4() == nil {
		dst.IP = net.ParseIP("2001:db8::80")
	}
	b, err := proxyproto.HeaderProxyFromAddrs(version, src, dst).Format()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestHeaders(t *testing.T) {
	local := append(bytes.Clone(begin2), 0x20, 0x00, 0, 0)
	extended := append(append(bytes.Clone(begin2), 0x21, 0x11, 0, 12+6), "\x0a\x00\x00\x01\x0a\x00\x00\x02\x00\x50\x01\xbb"+"\xea\x00\x03abc"...)
	for name, c := range map[string]struct {
		header []byte
		client string
	}{
		"version 1, IPv4":    {made(t, 1, "203.0.113.9:1024"), "203.0.113.9:1024"},
		"version 1, IPv6":    {made(t, 1, "[2001:db8::9]:1024"), "[2001:db8::9]:1024"},
		"version 2, IPv4":    {made(t, 2, "203.0.113.9:1024"), "203.0.113.9:1024"},
		"version 2, IPv6":    {made(t, 2, "[2001:db8::9]:1024"), "[2001:db8::9]:1024"},
		"unknown":            {[]byte("PROXY UNKNOWN\r\n"), "invalid AddrPort"},
		"unknown, addresses": {[]byte("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"), "invalid AddrPort"},
		"local":              {local, "invalid AddrPort"},
		"extensions":         {extended, "10.0.0.1:80"},
	} {
		sent := append(bytes.Clone(c.header), "GET / HTTP/1.1\r\n"...)
		// Whatever comes first of it is not enough, and the rest is not looked at.
		for n := range sent {
			size, err := Size(sent[:n])
			if want := len(c.header); err != nil || n < want && size != 0 || n >= want && size != want {
				t.Fatalf("%s: of %d bytes %d are the header, %v; it has %d", name, n, size, err, want)
			}
		}
		if client, err := Parse(c.header); err != nil || client.String() != c.client {
			t.Errorf("%s: %v, %v; want %s", name, client, err, c.client)
		}
	}
}

func TestWhatIsNoHeader(t *testing.T) {
	for text, want := range map[string]error{
		"GET / HTTP/1.1\r\n":                     ErrNone,
		"PROXIES ":                               ErrNone,
		"\r\nGET / HTTP/1.1\r\n":                 ErrNone,
		"PROXY " + strings.Repeat("x", line1Max): ErrBroken,
		string(begin2) + "\x21\x11\xff\xff":      ErrTooBig,
		"PROXY TCP4 192.168.0.1 192.16...\\r\\n" + strings.Repeat(" ", line1Max): ErrBroken,
	} {
		if n, err := Size([]byte(text)); n != 0 || !errors.Is(err, want) {
			t.Errorf("%q: %d, %v; want %v", text, n, err, want)
		}
	}
	for _, text := range []string{
		"PROXY TCP4 192.168.0.1 192.168.0.11 65iii 100000\r\n", "PROXY TCP4 not-an-ip 192.168.0.11 56324 443\r\n",
		"PROXY TCP4 192.0.2.1\r\n", "PROXY \r\n", string(begin2) + "\x31\x11\x00\x00", string(begin2) + "\x21\x11\x00\x04abcd",
	} {
		if client, err := Parse([]byte(text)); !errors.Is(err, ErrBroken) {
			t.Errorf("%q: %v, %v", text, client, err)
		}
	}
}

// Whatever a peer sends, it is measured without a panic, and what is measured as a
// whole header stays so when more follows.
func FuzzSize(f *testing.F) {
	for _, h := range [][]byte{made(f, 1, "203.0.113.9:1"), made(f, 2, "[2001:db8::9]:1"), []byte("PROXY UNKNOWN\r\n"), begin2} {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Size(b)
		if n < 0 || n > min(len(b), MaxSize) || n > 0 && err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		if n == 0 {
			return
		}
		if again, err := Size(b[:n]); again != n || err != nil {
			t.Fatalf("%d, then %d, %v", n, again, err)
		}
		if client, err := Parse(b[:n]); err == nil && client.Addr().Zone() != "" {
			t.Fatalf("%v", client)
		}
	})
}
