package scoreboard

import (
	"encoding/binary"
	"strings"
	"unsafe"
)

// view8 lends a string's bytes for reading.
func view8(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// pack writes text into words, eight bytes each and the last one padded with
// zeros, touching only those that change. It returns how many bytes fit.
func pack(dst []word, text []byte) int {
	text = text[:min(len(text), 8*len(dst))]
	for i := 0; 8*i < len(text); i++ {
		if w := wordAt(text, i); dst[i].Load() != w {
			dst[i].Store(w)
		}
	}
	return len(text)
}

// packed says whether pack(dst, text) would change nothing.
func packed(dst []word, text []byte) bool {
	for i := 0; 8*i < len(text); i++ {
		if dst[i].Load() != wordAt(text, i) {
			return false
		}
	}
	return true
}

func wordAt(text []byte, i int) uint64 {
	text = text[8*i:]
	if len(text) >= 8 {
		return binary.LittleEndian.Uint64(text)
	}
	var w uint64
	for j, c := range text {
		w |= uint64(c) << (8 * j)
	}
	return w
}

// unpack reads n bytes of text, or as many as there can be. What a log or a
// terminal could misread is replaced by "?".
func unpack(src []word, n uint64) string {
	n = min(n, uint64(8*len(src)))
	buf := make([]byte, 0, 8*len(src))
	for i := range src {
		buf = binary.LittleEndian.AppendUint64(buf, src[i].Load())
	}
	return clean(string(buf[:n]))
}

func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\uFFFD' || r == '\u2028' || r == '\u2029' {
			return '?'
		}
		return r
	}, s)
}
