package strict

// data passes over the body, or a chunk of it.
func (c *Checker) data(p []byte, i int) (int, Reason) {
	n := min(int64(len(p)-i), c.left)
	c.left -= n
	if c.left == 0 {
		if c.state == stBody {
			c.done()
		} else {
			c.state = stChunkCR
		}
	}
	return i + int(n), OK
}

// maxSizeDigits is what fits into maxLength.
const maxSizeDigits = 15

// chunkSize reads a size; sub counts its digits. White space behind it is
// refused, also before an extension, where the grammar would forgive it:
// servers differ about that.
func (c *Checker) chunkSize(b byte, i int) (int, Reason) {
	digit, ok := hex(b)
	switch {
	case ok && c.sub < maxSizeDigits:
		c.sub++
		c.left = c.left<<4 | digit
		return i + 1, OK
	case c.sub == 0:
		return i, BadChunkSize
	case b == '\r':
		c.state = stChunkSizeLF
	case b == ';':
		c.state, c.sub, c.line = stExtension, extStart, 0
	case b == '\n':
		return i, BareLF
	default:
		return i, BadChunkSize
	}
	if c.body += c.left; c.lim.Body > 0 && c.body > c.lim.Body {
		return i, BodyTooLarge
	}
	return i + 1, OK
}

func hex(b byte) (int64, bool) {
	switch {
	case b >= '0' && b <= '9':
		return int64(b - '0'), true
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		return int64(b|0x20-'a') + 10, true
	}
	return 0, false
}

// Where in chunk extensions: sub in stExtension. RFC 9112 7.1.1.
const (
	extStart    = iota // behind the semicolon
	extName            // in the name
	extNameEnd         // in white space behind it
	extEqual           // behind the equals sign
	extToken           // in a value
	extQuoted          // in a quoted value
	extEscaped         // behind its backslash
	extValueEnd        // behind the value
)

// maxExtension bounds the extensions of a chunk; nobody uses them.
const maxExtension = 256

func (c *Checker) extension(b byte, i int) (int, Reason) {
	if c.line++; c.line > maxExtension {
		return i, BadChunkExtension
	}
	to, ok := extNext(c.sub, b)
	switch {
	case !ok && b == '\n':
		return i, BareLF
	case !ok:
		return i, BadChunkExtension
	case b == '\r':
		c.state, c.line = stChunkSizeLF, 0
	}
	c.sub = to
	return i + 1, OK
}

// extNext is the grammar. It lets CR through where the line may end.
func extNext(at uint8, b byte) (to uint8, ok bool) {
	space, token := b == ' ' || b == '\t', is(classToken, b)
	switch at {
	case extStart:
		return pick(token, extName, extStart), space || token
	case extName, extNameEnd:
		switch {
		case token && at == extName:
			return extName, true
		case space:
			return extNameEnd, true
		case b == '=':
			return extEqual, true
		}
		return extStart, b == ';' || b == '\r'
	case extEqual:
		switch {
		case space:
			return extEqual, true
		case b == '"':
			return extQuoted, true
		}
		return extToken, token
	case extQuoted:
		switch b {
		case '"':
			return extValueEnd, true
		case '\\':
			return extEscaped, true
		}
		return extQuoted, text(b)
	case extEscaped:
		return extQuoted, text(b)
	default: // extToken, extValueEnd
		switch {
		case token && at == extToken:
			return extToken, true
		case space:
			return extValueEnd, true
		}
		return extStart, b == ';' || b == '\r'
	}
}

func pick(yes bool, a, b uint8) uint8 {
	if yes {
		return a
	}
	return b
}

// text is what may be quoted.
func text(b byte) bool { return b == '\t' || b >= ' ' && b != 0x7f }
