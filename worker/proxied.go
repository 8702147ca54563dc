package worker

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/proxyheader"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/internal/transfer"
)

// proxied is a connection from a balancer that says in a PROXY header who its
// client is. The header is read by whoever reads first. Until it is complete all
// of it stays in the kernel, so a connection can move before, after, and in the
// middle of it.
type proxied struct {
	socket
	origin atomic.Pointer[origin] // nil until the header was read
	told   func()                 // called then, by the reading goroutine
}

// origin is what a header said.
type origin struct {
	client netip.AddrPort // not valid: the balancer speaks for itself
}

// addr is what the connection calls its peer.
func (o *origin) addr(peer net.Addr) net.Addr {
	if o == nil || !o.client.IsValid() {
		return peer
	}
	return net.TCPAddrFromAddrPort(o.client)
}

// trusted says whether the word of a peer counts. Whoever may open the file of
// a unix socket is trusted.
func trusted(in config.Networks, peer net.Addr) bool {
	tcp, ok := peer.(*net.TCPAddr)
	return !ok || in.Has(tcp.AddrPort().Addr())
}

// greeted wraps a new connection whose peer has to send a header first.
func (t *tracker) greeted(s socket) socket {
	if !t.proxy.Protocol || !trusted(t.proxy.AllowIPs, s.RemoteAddr()) {
		return s
	}
	return &proxied{socket: s}
}

// greetedBefore wraps a connection that another worker has given away. Its record
// decides, not our settings: they may have changed since it was accepted.
func greetedBefore(s socket, r transfer.Record) socket {
	if !r.Proxied {
		return s
	}
	p := &proxied{socket: s}
	if r.Told {
		p.origin.Store(&origin{client: r.Client})
	}
	return p
}

// note puts what is known of the header into the record for the next owner.
func (p *proxied) note(r *transfer.Record) {
	r.Proxied = true
	if o := p.origin.Load(); o != nil {
		r.Told, r.Client = true, o.client
	}
}

// Read reads the header before the first byte of the client.
func (p *proxied) Read(b []byte) (int, error) {
	if p.origin.Load() == nil {
		if err := p.greet(); err != nil {
			return 0, err
		}
	}
	return p.socket.Read(b)
}

// greet takes the header, and nothing behind it. The read deadline of the
// connection ends it, with nothing lost.
func (p *proxied) greet() error {
	buf := make([]byte, proxyheader.MaxSize)
	size, bad := 0, error(nil)
	_, err := sys.Peek(p.socket, buf, func(b []byte) bool {
		size, bad = proxyheader.Size(b)
		return size > 0 || bad != nil
	})
	switch {
	case bad != nil:
		return refuseHeader(bad)
	case errors.Is(err, io.ErrShortBuffer):
		return refuseHeader(proxyheader.ErrTooBig)
	case err != nil:
		return err
	}
	if _, err := io.ReadFull(p.socket, buf[:size]); err != nil {
		return err
	}
	client, err := proxyheader.Parse(buf[:size])
	if err != nil {
		return refuseHeader(err)
	}
	p.origin.Store(&origin{client: client})
	if p.told != nil {
		p.told()
	}
	return nil
}

// RemoteAddr is the client's address once it is known.
func (p *proxied) RemoteAddr() net.Addr { return p.origin.Load().addr(p.socket.RemoteAddr()) }

// SetLinger is for who has to reset the connection.
func (p *proxied) SetLinger(sec int) error {
	if tcp, ok := p.socket.(interface{ SetLinger(sec int) error }); ok {
		return tcp.SetLinger(sec)
	}
	return nil
}

// What a balancer is told that is set up differently from us. The specification
// forbids to guess whether a connection has a header.
var (
	headerMissing = denyHeader("there is none")
	headerBroken  = denyHeader("it is malformed")
)

func denyHeader(problem string) *denial {
	return newDenial(fasthttp.StatusBadRequest, "PROXY header: "+problem,
		"A PROXY header is expected from this address (proxy_allow_ips), but "+problem+".", "invalid_request_error", "proxy_header")
}

func refuseHeader(err error) *denial {
	if errors.Is(err, proxyheader.ErrNone) {
		return headerMissing
	}
	return headerBroken
}
