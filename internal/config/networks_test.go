package config

import (
	"net/netip"
	"strings"
	"testing"
)

func TestNetworks(t *testing.T) {
	for raw, want := range map[string]string{
		"":                             "",
		"127.0.0.1, ::1":               "127.0.0.1,::1",
		"10.0.0.0/8,fd00::/8":          "10.0.0.0/8,fd00::/8",
		"::ffff:192.0.2.1":             "192.0.2.1",
		"*":                            "0.0.0.0/0,::/0",
		"192.0.2.7/32,2001:db8::1/128": "192.0.2.7,2001:db8::1",
	} {
		var n Networks
		if err := n.set(raw); err != nil || n.text() != want {
			t.Errorf("%q became %q, %v; want %q", raw, n.text(), err, want)
		}
	}
	for raw, problem := range map[string]string{
		"localhost": "no IP address", "10.0.0.0/33": "no network", "10.1.2.3/8": "write 10.0.0.0/8",
		"fe80::1%eth0": "no IP address", "::ffff:10.0.0.0/104": "IPv4 network", "10.0.0": "no IP address",
	} {
		var n Networks
		if err := n.set(raw); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: %v; want %q", raw, err, problem)
		}
	}
}

func TestNetworksHave(t *testing.T) {
	var n Networks
	if err := n.set("10.0.0.0/8, 192.0.2.1, fe80::/10, ::1"); err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"10.255.0.1": true, "11.0.0.1": false, "192.0.2.1": true, "192.0.2.2": false,
		"::ffff:10.0.0.1": true, "fe80::1%eth0": true, "::1": true, "::2": false,
	} {
		if got := n.Has(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if n.Has(netip.Addr{}) || Networks(nil).Has(netip.MustParseAddr("::1")) {
		t.Error("no address, or no network, matches")
	}
}
