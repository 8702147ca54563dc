package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// Networks are the addresses that something is believed from. A peer on a unix
// socket has no address; whoever may open the socket's file is believed.
type Networks []netip.Prefix

// everywhere is what * stands for.
var everywhere = Networks{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// set reads addresses and networks, separated by commas; * is all of them.
func (n *Networks) set(raw string) error {
	var all Networks
	for _, word := range parseList(raw) {
		if word == "*" {
			all = append(all, everywhere...)
			continue
		}
		p, err := parseNetwork(word)
		if err != nil {
			return err
		}
		all = append(all, p)
	}
	*n = all
	return nil
}

// parseNetwork reads one address, or one network in CIDR notation.
func parseNetwork(word string) (netip.Prefix, error) {
	if !strings.Contains(word, "/") {
		a, err := netip.ParseAddr(word)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is no IP address", word)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(word)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no network, write address/bits", word)
	}
	if p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("write %q as an IPv4 network", word)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q has bits behind its length, write %s", word, p.Masked())
	}
	return p, nil
}

// text parses back to the same networks.
func (n *Networks) text() string {
	words := make([]string, 0, len(*n))
	for _, p := range *n {
		if p.IsSingleIP() {
			words = append(words, p.Addr().String())
		} else {
			words = append(words, p.String())
		}
	}
	return strings.Join(words, ",")
}

// Has says whether a is in one of them. IPv4 within IPv6, as a dual-stack
// socket shows it, counts as IPv4.
func (n Networks) Has(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range n {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
