package strict

// fieldStart looks at the first byte of a line.
func (c *Checker) fieldStart(p []byte, i int) (int, Reason) {
	switch b := p[i]; {
	case b == '\r':
		c.state = stHeadLF
		return i + 1, OK
	case b == '\n':
		return i, BareLF
	case b == ' ' || b == '\t':
		return i, ObsoleteFold
	case !is(classToken, b):
		return i, BadFieldName
	}
	if c.fields++; over(c.fields, c.lim.Fields) {
		return i, TooManyFields
	}
	c.wordLen, c.long, c.state = 0, false, stName
	return c.name(p, i)
}

// name reads as far as the colon.
func (c *Checker) name(p []byte, i int) (int, Reason) {
	end := i
	for end < len(p) && is(classToken, p[end]) {
		end++
	}
	if excess := c.grow(end-i, c.lim.FieldSize); excess > 0 {
		return end - excess, FieldTooLong
	}
	if end == len(p) || c.wordLen > 0 || c.long {
		c.keep(p[i:end])
	}
	if end == len(p) {
		return end, OK
	}
	switch p[end] {
	case ':':
	case ' ', '\t':
		return end, SpaceBeforeColon
	case '\n':
		return end, BareLF
	default:
		return end, BadFieldName
	}
	c.line++
	c.state = stValue
	whole := p[i:end]
	if c.wordLen > 0 {
		whole = c.word[:c.wordLen]
	}
	if c.long {
		return end + 1, OK
	}
	return end + 1, c.recognize(whole)
}

// keep saves part of a name until the rest of it is here.
func (c *Checker) keep(part []byte) {
	if int(c.wordLen)+len(part) > maxWord {
		c.long, c.wordLen = true, 0
		return
	}
	c.wordLen += uint8(copy(c.word[c.wordLen:], part)) //nolint:gosec // at most maxWord
}

// recognize looks for the headers that frame or route the request.
func (c *Checker) recognize(name []byte) Reason {
	switch len(name) {
	case len("host"):
		if same, _ := names(name, "host"); same {
			c.state, c.sub = stHost, hostStart
			return c.once(&c.host, ManyHosts)
		}
	case len("upgrade"):
		if same, _ := names(name, "upgrade"); same {
			if c.trailer {
				return BadTrailer
			}
			c.upgrade = true
		}
	case len("content-type"):
		if same, variant := names(name, "content-type"); same && !variant {
			return c.once(&c.kind, ManyTypes)
		}
	case len("content-length"):
		if same, variant := names(name, "content-length"); variant {
			c.variant = true
		} else if same {
			c.state, c.sub, c.left = stLength, lengthStart, 0
			return c.once(&c.length, ManyLengths)
		}
	case len("transfer-encoding"):
		if same, variant := names(name, "transfer-encoding"); variant {
			c.variant = true
		} else if same {
			c.state, c.sub = stCoding, 0
			return c.once(&c.coding, ManyCodings)
		}
	}
	return OK
}

// once refuses a second header of a kind of which there may be one, and any in
// the trailers: the request has been acted on by then.
func (c *Checker) once(seen *bool, many Reason) Reason {
	switch {
	case c.trailer:
		return BadTrailer
	case *seen:
		return many
	}
	*seen = true
	return OK
}

// value reads as far as the line's end.
func (c *Checker) value(p []byte, i int) (int, Reason) {
	end := span(p, i, ' ')
	for end < len(p) && p[end] == '\t' {
		end = span(p, end+1, ' ')
	}
	if excess := c.grow(end-i, c.lim.FieldSize); excess > 0 {
		return end - excess, FieldTooLong
	}
	if end == len(p) {
		return end, OK
	}
	switch p[end] {
	case '\r':
		c.state = stValueLF
		return end + 1, OK
	case '\n':
		return end, BareLF
	}
	return end, BadFieldValue
}

// Where in a Content-Length: sub in stLength.
const (
	lengthStart = iota
	lengthDigits
	lengthTrailing
)

// codingChunked is the only transfer coding; sub in stCoding is the place in
// it, and one more in the white space behind it.
const codingChunked = "chunked"

// valueByte reads the values that matter.
func (c *Checker) valueByte(b byte, i int) (int, Reason) {
	if b != '\r' && c.grow(1, c.lim.FieldSize) > 0 {
		return i, FieldTooLong
	}
	if b == '\n' {
		return i, BareLF
	}
	var end bool
	var why Reason
	switch c.state {
	case stHost:
		end, why = c.hostValue(b)
	case stLength:
		end, why = c.lengthValue(b)
	default:
		end, why = c.codingValue(b)
	}
	if why != OK {
		return i, why
	}
	if end {
		c.state = stValueLF
	}
	return i + 1, OK
}

// maxLength keeps sums of lengths from overflowing.
const maxLength = 1 << 60

func (c *Checker) lengthValue(b byte) (end bool, why Reason) {
	switch {
	case b == '\r' && c.sub != lengthStart:
		c.body = c.left
		return true, OK
	case b == ' ' || b == '\t':
		if c.sub == lengthDigits {
			c.sub = lengthTrailing
		}
	case b >= '0' && b <= '9' && c.sub != lengthTrailing:
		c.sub = lengthDigits
		if c.left > maxLength/10 {
			return false, BadLength
		}
		c.left = c.left*10 + int64(b-'0')
	default:
		return false, BadLength
	}
	return false, OK
}

func (c *Checker) codingValue(b byte) (end bool, why Reason) {
	at := int(c.sub)
	switch {
	case b == ' ' || b == '\t':
		if at == len(codingChunked) {
			c.sub++
		} else if at != 0 && at < len(codingChunked) {
			return false, UnknownCoding
		}
	case b == '\r' && at >= len(codingChunked):
		return true, OK
	case at < len(codingChunked) && b|0x20 == codingChunked[at]:
		c.sub++
	default:
		return false, UnknownCoding
	}
	return false, OK
}

// lf reads the second byte of a line's end.
func (c *Checker) lf(b byte, i int) (int, Reason) {
	if b != '\n' {
		return i, BareCR
	}
	switch c.state {
	case stLineLF, stValueLF:
		if over(c.head+c.line, c.lim.Head) {
			return i, HeadTooLong
		}
		c.head += c.line + len("\r\n")
		c.line, c.state = 0, stField
	case stHeadLF:
		if why := c.headEnd(); why != OK {
			return i, why
		}
	case stChunkSizeLF:
		c.state = stChunk
		if c.left == 0 {
			c.state, c.trailer, c.line = stField, true, 0
		}
	case stChunkLF:
		c.state, c.sub, c.left = stChunkSize, 0, 0
	default:
	}
	return i + 1, OK
}

// headEnd decides about the request as a whole.
func (c *Checker) headEnd() Reason {
	switch {
	case over(c.head+len("\r\n"), c.lim.Head):
		return HeadTooLong
	case c.trailer:
		c.done()
		return OK
	case !c.host && !c.http10:
		return NoHost
	case c.length && c.coding:
		return LengthAndCoding
	case c.coding && c.http10:
		return CodingInHTTP10
	case c.lim.Body > 0 && c.body > c.lim.Body:
		return BodyTooLarge
	case c.coding:
		c.state, c.sub, c.left, c.body = stChunkSize, 0, 0, 0
	case c.body > 0:
		c.state, c.left = stBody, c.body
	default:
		c.done()
	}
	return OK
}
