package worker

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
)

// identity is who a connection's requests are from, for the log, the scoreboard
// and the application. A trusted proxy says it of each request anew.
type identity struct {
	trusted bool   // the peer's X-Forwarded headers count
	said    string // by the proxy, of the request under way; "" is nothing
	shown   string // what the scoreboard has, if not the peer
}

// Headers of proxies.
const (
	forwardedFor   = "X-Forwarded-For"
	forwardedProto = "X-Forwarded-Proto"
)

// introduce enters a new connection on the scoreboard.
func (c *conn) introduce(since time.Duration) {
	c.entry.Open(clientOf(c.socket), since)
	c.client.trusted = trusted(c.t.proxy.ForwardedIPs, c.RemoteAddr())
	if p, ok := c.beneath().(*proxied); ok {
		p.told = func() {
			c.entry.Rename(clientOf(c.socket))
			c.client.trusted = trusted(c.t.proxy.ForwardedIPs, c.RemoteAddr())
		}
	}
}

// credit notes who a request is from; "" is the peer.
func (c *conn) credit(said string) {
	c.client.said = said
	if said != c.client.shown {
		c.client.shown = said
		c.entry.Rename(cmp.Or(said, clientOf(c.socket)))
	}
}

// forwardFast takes a trusted proxy's word for the client's address and scheme.
func (c *conn) forwardFast(ctx *fasthttp.RequestCtx) {
	h := &ctx.Request.Header
	if len(h.Peek(forwardedFor)) == 0 {
		ctx.SetRemoteAddr(nil) // the last request's may still be there
		c.credit("")
	} else {
		var list []string
		for _, v := range h.PeekAll(forwardedFor) {
			list = append(list, string(v))
		}
		said, a := c.origin(list)
		ctx.SetRemoteAddr(a)
		c.credit(said)
	}
	if v := h.PeekAll(forwardedProto); len(v) > 0 {
		if scheme := lastScheme(string(v[len(v)-1])); scheme != "" {
			ctx.URI().SetScheme(scheme)
		}
	}
}

// forwardHTTP is forwardFast for net/http, whose requests have no scheme of their own.
func (c *conn) forwardHTTP(r *http.Request) {
	said, a := c.origin(r.Header[forwardedFor])
	if a != nil {
		r.RemoteAddr = a.String()
	}
	c.credit(said)
	if v := r.Header[forwardedProto]; len(v) > 0 {
		if scheme := lastScheme(v[len(v)-1]); scheme != "" {
			r.URL.Scheme = scheme
		}
	}
}

// origin is the client's address in X-Forwarded-For, in both forms.
func (c *conn) origin(list []string) (said string, a net.Addr) {
	addr := clientIn(list, c.t.proxy.ForwardedIPs)
	if !addr.IsValid() {
		return "", nil
	}
	return addr.String(), &net.TCPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
}

// clientIn is the last address in the list that is not a trusted proxy's, or
// the first one if all are. Each proxy adds the peer it sees at the end, so
// what stands before an address of a stranger is that stranger's own word.
func clientIn(list []string, proxies config.Networks) (client netip.Addr) {
	words := strings.Split(strings.Join(list, ","), ",")
	for _, word := range slices.Backward(words) {
		addr, ok := addressIn(strings.TrimSpace(word))
		if !ok {
			return client
		}
		if client = addr; !proxies.Has(addr) {
			return client
		}
	}
	return client
}

// addressIn reads an address, which some proxies write with a port.
func addressIn(word string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.Trim(word, "[]")); err == nil {
		return a.Unmap(), true
	}
	a, err := netip.ParseAddrPort(word)
	return a.Addr().Unmap(), err == nil
}

// lastScheme is the scheme that the nearest proxy names; "" if it is none.
func lastScheme(value string) string {
	value = value[strings.LastIndexByte(value, ',')+1:]
	switch value = strings.ToLower(strings.TrimSpace(value)); value {
	case "http", "https":
		return value
	}
	return ""
}
