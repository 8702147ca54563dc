// Package proxyheader reads the header with which a load balancer tells, before
// the first byte of a connection that it passes on, who the client is: the PROXY
// protocol, versions 1 and 2 (haproxy.org/download/3.2/doc/proxy-protocol.txt).
//
// It works on bytes that are looked at and not yet taken, so that a caller can leave
// an incomplete header in the kernel, for whoever owns the connection then.
package proxyheader

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/netip"

	"github.com/pires/go-proxyproto"
)

// MaxSize bounds a header, in bytes. Version 1 has 107 at most; what makes version 2
// longer than its 232 are extensions, as certificates that a balancer has seen.
const MaxSize = 4096

const (
	line1Max  = 107 // section 2.1, with the line's end
	fixed2    = 16  // section 2.2: signature, command, family, length
	lengthAt2 = 14
)

var (
	begin1 = []byte("PROXY ")
	begin2 = []byte("\r\n\r\n\x00\r\nQUIT\n")
)

// Errors of [Size] and [Parse].
var (
	ErrNone   = errors.New("no PROXY header")
	ErrTooBig = fmt.Errorf("the PROXY header has more than %d bytes", MaxSize)
	ErrBroken = errors.New("the PROXY header is malformed")
)

// Size says how many bytes at the beginning of b are the header. 0 without an
// error means that more of it has to come first.
func Size(b []byte) (int, error) {
	switch {
	case begins(b, begin1):
		return size1(b)
	case begins(b, begin2):
		return size2(b)
	}
	return 0, ErrNone
}

// begins says whether b begins like mark, as far as there is of both.
func begins(b, mark []byte) bool {
	n := min(len(b), len(mark))
	return bytes.Equal(b[:n], mark[:n])
}

func size1(b []byte) (int, error) {
	end := bytes.Index(b[:min(len(b), line1Max)], []byte("\r\n"))
	switch {
	case end >= 0:
		return end + len("\r\n"), nil
	case len(b) >= line1Max:
		return 0, ErrBroken
	}
	return 0, nil
}

func size2(b []byte) (int, error) {
	if len(b) < fixed2 {
		return 0, nil
	}
	n := fixed2 + int(b[lengthAt2])<<8 + int(b[lengthAt2+1])
	switch {
	case n > MaxSize:
		return 0, ErrTooBig
	case n > len(b):
		return 0, nil
	}
	return n, nil
}

// Parse reads a complete header, as [Size] has measured it. The address is the zero
// one where the balancer speaks for itself (LOCAL, as in its health checks) or does
// not say for whom (UNKNOWN, a unix socket): then the peer is the client.
func Parse(header []byte) (client netip.AddrPort, err error) {
	h, err := proxyproto.Read(bufio.NewReaderSize(bytes.NewReader(header), max(len(header), fixed2)))
	if err != nil {
		return client, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if h.Command.IsLocal() {
		return client, nil
	}
	src, _, ok := h.TCPAddrs()
	if !ok {
		return client, nil
	}
	a := src.AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), nil
}
