package strict

// Where in a host and port: sub in stHost and stAuthority.
const (
	hostStart    = iota // nothing yet
	hostName            // in a name or an IPv4 address
	hostAddr            // between brackets
	hostAddrEnd         // behind the closing one
	hostColon           // behind the colon
	hostPort            // in the port
	hostTrailing        // in white space behind it (Host only)
)

// hostByte says whether b goes on with the host, RFC 9110 7.2: uri-host [":" port].
func (c *Checker) hostByte(b byte) bool {
	switch c.sub {
	case hostStart:
		switch {
		case b == '[':
			c.sub = hostAddr
		case is(classHost, b):
			c.sub = hostName
		default:
			return false
		}
	case hostName:
		if b == ':' {
			c.sub = hostColon
			return true
		}
		return is(classHost, b)
	case hostAddr:
		if b == ']' {
			c.sub = hostAddrEnd
			return true
		}
		return is(classAddr, b)
	case hostAddrEnd:
		c.sub = hostColon
		return b == ':'
	case hostColon, hostPort:
		c.sub = hostPort
		return b >= '0' && b <= '9'
	default:
		return false
	}
	return true
}

// hostValue reads a byte of Host. An empty value is allowed: it is what a
// client sends whose target has no authority.
func (c *Checker) hostValue(b byte) (end bool, why Reason) {
	switch b {
	case '\r':
		if c.sub == hostAddr {
			return false, BadHost
		}
		return true, OK
	case ' ', '\t':
		if c.sub == hostAddr {
			return false, BadHost
		}
		if c.sub != hostStart {
			c.sub = hostTrailing
		}
		return false, OK
	}
	if !c.hostByte(b) {
		return false, BadHost
	}
	return false, OK
}
