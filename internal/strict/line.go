package strict

// start reads what is before a request. RFC 9112 2.2 wants an empty line there
// to be forgiven: some clients send one behind a body.
func (c *Checker) start(b byte, i int) (int, Reason) {
	switch {
	case c.state == stStartLF:
		if b != '\n' {
			return i, BareCR
		}
		c.state = stStart
		return i + 1, OK
	case b == '\r' && c.blanks == 0:
		c.blanks, c.state = 1, stStartLF
		return i + 1, OK
	case b == '\n':
		return i, BareLF
	case !is(classMethod, b):
		return i, BadMethod
	}
	c.begin()
	return i, OK
}

// begin forgets the previous request.
func (c *Checker) begin() {
	*c = Checker{lim: c.lim, variant: c.variant, requests: c.requests, state: stMethod}
}

// done is the end of a request.
func (c *Checker) done() {
	c.requests++
	c.blanks, c.trailer, c.body = 0, false, 0
	c.state = stStart
	if c.upgrade || c.connect {
		c.state = stSwitch
	}
}

const minMethod = 3

// method reads as far as the space.
func (c *Checker) method(p []byte, i int) (int, Reason) {
	for ; i < len(p); i++ {
		b := p[i]
		switch {
		case is(classMethod, b):
			if c.wordLen == maxWord {
				return i, BadMethod
			}
			c.word[c.wordLen] = b
			c.wordLen++
		case b == ' ' && c.wordLen >= minMethod:
			word := string(c.word[:c.wordLen])
			c.connect, c.options = word == "CONNECT", word == "OPTIONS"
			c.preface = word == "PRI" && c.lim.HTTP2 && c.requests == 0
			c.line += int(c.wordLen) + 1
			c.wordLen, c.state = 0, stTarget
			return i + 1, OK
		case b == '\r' || b == '\n':
			return i, BadRequestLine
		default:
			return i, BadMethod
		}
	}
	return i, OK
}

// target looks at the first byte: it tells the form, RFC 9112 3.2.
func (c *Checker) target(b byte, i int) (int, Reason) {
	c.sub = 0
	switch {
	case c.connect:
		c.state, c.sub = stAuthority, hostStart
	case b == '/':
		c.state = stPath
	case b == '*' && (c.options || c.preface):
		c.line++
		c.state = stTargetEnd
		return i + 1, OK
	case b|0x20 == 'h':
		c.state = stScheme
	default:
		return i, BadTarget
	}
	return i, OK
}

// path reads the rest of a target. What URIs would have escaped is let through:
// quotes, braces, bytes above 127 and # are sent by real clients, and no
// two parsers disagree about where such a target ends.
func (c *Checker) path(p []byte, i int) (int, Reason) {
	end := span(p, i, '!')
	if excess := c.grow(end-i, c.lim.Line); excess > 0 {
		return end - excess, LineTooLong
	}
	if end == len(p) {
		return end, OK
	}
	if p[end] != ' ' {
		return end, lineReason(p[end], BadTarget)
	}
	c.version()
	return end + 1, OK
}

// lineReason is why b may not be there: lines have their own reasons.
func lineReason(b byte, other Reason) Reason {
	if b == '\r' || b == '\n' {
		return BadRequestLine
	}
	return other
}

func (c *Checker) version() {
	c.line++
	c.state, c.sub = stVersion, 0
}

// lineByte reads the parts of the request line that are short.
func (c *Checker) lineByte(b byte, i int) (int, Reason) {
	if b != '\r' && c.grow(1, c.lim.Line) > 0 {
		return i, LineTooLong
	}
	switch c.state {
	case stScheme:
		return c.scheme(b, i)
	case stAuthority:
		return c.authority(b, i)
	case stTargetEnd:
		if b != ' ' {
			return i, lineReason(b, BadTarget)
		}
		c.state, c.sub = stVersion, 0
	case stVersion:
		return c.versionByte(b, i)
	case stLineCR:
		if b != '\r' {
			return i, lineReason(b, BadVersion)
		}
		c.state = stLineLF
	default:
	}
	return i + 1, OK
}

const secure = "https://"

// scheme reads http:// or https://; sub is the place in the longer one.
func (c *Checker) scheme(b byte, i int) (int, Reason) {
	if c.sub == 4 && b == ':' {
		c.sub = 5
	}
	if b|0x20 != secure[c.sub]|0x20 || b < ' ' {
		return i, lineReason(b, BadTarget)
	}
	if c.sub++; int(c.sub) == len(secure) {
		c.state, c.sub = stAuthority, hostStart
	}
	return i + 1, OK
}

// authority reads a host and port. Userinfo is refused: RFC 9110 4.2.4.
func (c *Checker) authority(b byte, i int) (int, Reason) {
	ends := b == ' ' || !c.connect && (b == '/' || b == '?' || b == '#')
	if !ends {
		if !c.hostByte(b) {
			return i, lineReason(b, BadTarget)
		}
		return i + 1, OK
	}
	if c.sub == hostStart || c.sub == hostAddr || c.connect && c.sub != hostPort {
		return i, BadTarget
	}
	c.state = stPath
	if b == ' ' {
		c.state, c.sub = stVersion, 0
	}
	return i + 1, OK
}

const version = "HTTP/1."

func (c *Checker) versionByte(b byte, i int) (int, Reason) {
	const major = len("HTTP/")
	switch at := int(c.sub); {
	case at < len(version) && b == version[at]:
		c.sub++
	case at == len(version) && (b == '0' || b == '1'):
		c.http10 = b == '0'
		c.state = stLineCR
	case at == major && b == '2' && c.preface:
		c.state = stForeign // the server reads the rest of the preface itself
	case (at == major || at == len(version)) && b >= '0' && b <= '9':
		return i, UnsupportedVersion
	default:
		return i, lineReason(b, BadVersion)
	}
	return i + 1, OK
}
