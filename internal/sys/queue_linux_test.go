package sys

import (
	"strings"
	"testing"
)

func TestNetstatValue(t *testing.T) {
	const text = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 23 45\nIpExt: InNoRoutes ListenOverflows\nIpExt: 7 8\n"
	cases := []struct {
		text string
		want uint64
		ok   bool
	}{
		{text, 23, true},
		{"IpExt: ListenOverflows\nIpExt: 8\n", 0, false},
		{"TcpExt: ListenDrops\nTcpExt: 5\n", 0, false},
		{"TcpExt: ListenDrops ListenOverflows\nTcpExt: 5\n", 0, false},
		{"TcpExt: ListenOverflows\nTcpExt: many\n", 0, false},
		{"TcpExt: ListenOverflows\n", 0, false},
		{"", 0, false},
	}
	for _, c := range cases {
		got, err := netstatValue(strings.NewReader(c.text), "TcpExt:", "ListenOverflows")
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%q: got %d, %v", c.text, got, err)
		}
	}
}
