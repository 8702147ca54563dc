package strict

import (
	"encoding/binary"
	"math/bits"
)

// Classes of bytes, RFC 9110 5.6.2 and RFC 3986.
const (
	classToken  = 1 << iota // may be in a header name
	classMethod             // a token without lower-case letters and #
	classHost               // in a registered name: unreserved, sub-delims, %
	classAddr               // between the brackets of an IP literal
)

// classes is indexed by byte.
var classes = classify()

func classify() (table [256]uint8) {
	mark := func(class uint8, chars string) {
		for i := range len(chars) {
			table[chars[i]] |= class
		}
	}
	const (
		digits = "0123456789"
		upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		lower  = "abcdefghijklmnopqrstuvwxyz"
		marks  = "!$%&'*+-.^_`|~"
	)
	mark(classToken, digits+upper+lower+marks+"#")
	mark(classMethod, digits+upper+marks)
	mark(classHost, digits+upper+lower+"-._~%!$&'()*+,;=")
	mark(classAddr, digits+"abcdefABCDEF:.vV")
	return table
}

func is(class, b byte) bool { return classes[b]&class != 0 }

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// span returns the index of the first byte from i on that is below floor (at
// most 128) or DEL; eight bytes at a time, because most of a head is values.
func span(p []byte, i int, floor uint64) int {
	for ; i+8 <= len(p); i += 8 {
		x := binary.LittleEndian.Uint64(p[i:])
		del := x ^ 0x7f*ones
		// The lowest mark of each term is exact; borrows only make false ones above it.
		if m := ((x-floor*ones)&^x | (del-ones)&^del) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(p); i++ {
		if uint64(p[i]) < floor || p[i] == 0x7f {
			return i
		}
	}
	return i
}

// names says whether name is want, which is in lower case with dashes; an
// underscore stands for a dash, and variant tells that there was one.
func names(name []byte, want string) (same, variant bool) {
	if len(name) != len(want) {
		return false, false
	}
	for i, b := range name {
		switch {
		case b|0x20 == want[i]: // a token byte: only a letter's case differs
		case b == '_' && want[i] == '-':
			variant = true
		default:
			return false, false
		}
	}
	return true, variant
}
