package transfer

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// Version is the first byte of every message.
const Version = 2

// MaxBatch is how many connections one message carries.
const MaxBatch = 64

// Record is what the next owner has to know of a connection.
type Record struct {
	// Since when it is idle, or open if it never spoke; [sys.Monotonic].
	Since time.Duration
	// Spoke: it has had a request.
	Spoke bool
	// Proxied: its peer is a balancer that tells the client's address in a PROXY
	// header, and Told: that has been read. Client is what it said, and not valid
	// where that was nothing.
	Proxied, Told bool
	Client        netip.AddrPort
}

// kind is the second byte of a message.
type kind byte

const (
	kindGrant kind = 'g'
	kindBatch kind = 'b'
	kindTaken kind = 't'
)

// message is one decoded packet; which fields count depends on kind.
type message struct {
	kind    kind
	credits int      // grant, taken: how many more may be sent
	taken   int      // taken
	records []Record // batch
}

const (
	headSize   = 2
	recordSize = 27
	flagsAt    = 8
	addressAt  = 9
	portAt     = 25
	maxCredits = 1 << 20
)

// The flags of a record.
const (
	flagSpoke = 1 << iota
	flagProxied
	flagTold
	flagClient // there is an address
)

// encode is the packet of m.
func (m message) encode() []byte {
	b := []byte{Version, byte(m.kind)}
	switch m.kind {
	case kindGrant:
		b = binary.BigEndian.AppendUint32(b, uint32(m.credits))
	case kindTaken:
		b = binary.BigEndian.AppendUint16(b, uint16(m.taken))
		b = binary.BigEndian.AppendUint32(b, uint32(m.credits))
	case kindBatch:
		b = binary.BigEndian.AppendUint16(b, uint16(len(m.records)))
		for _, r := range m.records {
			b = r.append(b)
		}
	}
	return b
}

func (r Record) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(r.Since))
	var flags byte
	for _, f := range [...]struct {
		is  bool
		bit byte
	}{{r.Spoke, flagSpoke}, {r.Proxied, flagProxied}, {r.Told, flagTold}, {r.Client.IsValid(), flagClient}} {
		if f.is {
			flags |= f.bit
		}
	}
	var address [16]byte
	if r.Client.IsValid() {
		address = r.Client.Addr().As16()
	}
	b = append(append(b, flags), address[:]...)
	return binary.BigEndian.AppendUint16(b, r.Client.Port())
}

// recordAt reads the record at the beginning of b.
func recordAt(b []byte) Record {
	flags := b[flagsAt]
	r := Record{
		Since: time.Duration(binary.BigEndian.Uint64(b)),
		Spoke: flags&flagSpoke != 0, Proxied: flags&flagProxied != 0, Told: flags&flagTold != 0,
	}
	if flags&flagClient != 0 {
		a := netip.AddrFrom16([16]byte(b[addressAt:portAt])).Unmap()
		r.Client = netip.AddrPortFrom(a, binary.BigEndian.Uint16(b[portAt:]))
	}
	return r
}

// decode reads a packet. Nothing in it is believed: the peer may be another
// version of this program.
func decode(b []byte) (message, error) {
	if len(b) < headSize {
		return message{}, fmt.Errorf("cannot read a message of %d bytes", len(b))
	}
	if b[0] != Version {
		return message{}, fmt.Errorf("cannot read a message of version %d: this program speaks %d", b[0], Version)
	}
	m, rest := message{kind: kind(b[1])}, b[headSize:]
	switch {
	case m.kind == kindGrant && len(rest) == 4:
		m.credits = int(binary.BigEndian.Uint32(rest))
	case m.kind == kindTaken && len(rest) == 6:
		m.taken, m.credits = int(binary.BigEndian.Uint16(rest)), int(binary.BigEndian.Uint32(rest[2:]))
	case m.kind == kindBatch && len(rest) >= 2:
		n := int(binary.BigEndian.Uint16(rest))
		rest = rest[2:]
		if n < 1 || n > MaxBatch || len(rest) != n*recordSize {
			return message{}, fmt.Errorf("cannot read a batch of %d connections in %d bytes", n, len(rest))
		}
		for ; len(rest) > 0; rest = rest[recordSize:] {
			m.records = append(m.records, recordAt(rest))
		}
	default:
		return message{}, fmt.Errorf("cannot read a message %q of %d bytes", b[1], len(b))
	}
	if m.credits > maxCredits || m.taken > MaxBatch {
		return message{}, fmt.Errorf("cannot believe a message: %d credits, %d taken", m.credits, m.taken)
	}
	return m, nil
}
