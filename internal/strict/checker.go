package strict

// Limits bound a request; zero is no limit. A checker only reads them, so one
// value may serve all connections.
type Limits struct {
	Line      int   // bytes of the request line, without CRLF
	Fields    int   // header and trailer lines
	FieldSize int   // bytes of one of these, without CRLF
	Head      int   // bytes of the whole head, and of the trailers with it
	Body      int64 // bytes of the body, without its chunks' framing

	// HTTP2 lets a connection through unread that begins with HTTP/2's preface.
	HTTP2 bool
}

// state is where in a request the next byte is.
type state uint8

const (
	stStart       state = iota // before a request; an empty line is forgiven
	stStartLF                  // after the CR of that line
	stMethod                   // in the method
	stTarget                   // at the target's first byte
	stPath                     // in the target, up to the space
	stScheme                   // in http:// or https://
	stAuthority                // in the host of an absolute target, or CONNECT's
	stTargetEnd                // after an asterisk
	stVersion                  // in HTTP/1.x
	stLineCR                   // the version is complete
	stLineLF                   // the request line's LF
	stField                    // at the first byte of a header line or of the empty one
	stName                     // in a header name
	stValue                    // in a value that is none of our business
	stHost                     // in Host's value
	stLength                   // in Content-Length's
	stCoding                   // in Transfer-Encoding's
	stValueLF                  // a header line's LF
	stHeadLF                   // the empty line's LF
	stBody                     // in a body of known length
	stChunkSize                // in a chunk's size
	stExtension                // in its extensions
	stChunkSizeLF              // the size line's LF
	stChunk                    // in a chunk
	stChunkCR                  // behind it
	stChunkLF                  // the LF there
	stSwitch                   // behind a request for another protocol
	stForeign                  // HTTP/2: not read any further
	stRefused                  // for ever
)

// maxWord is the longest name that means something to a checker, or method.
const maxWord = 20

// Checker follows the bytes of one connection. The zero value refuses nothing
// for its size; [New] sets limits. Not safe for concurrent use.
type Checker struct {
	lim *Limits

	state   state
	reason  Reason // of stRefused
	broken  bool   // it was in a body
	sub     uint8  // where in a small grammar: scheme, version, host, extension
	blanks  uint8  // empty lines before the request
	wordLen uint8
	word    [maxWord]byte // a method, or a name that began in an earlier piece
	long    bool          // the name is longer than any that matters

	connect, options bool // the method
	preface          bool // it is the one of HTTP/2's preface
	http10           bool
	host, length     bool // was seen
	kind, coding     bool
	upgrade          bool
	trailer          bool // the fields are trailers
	variant          bool // an underscore variant of a framing header was seen, ever

	line, head, fields int   // so far
	left               int64 // of the body or chunk
	body               int64 // its size, as far as it is declared
	requests           uint64
}

// noLimits is for a checker that was given none.
var noLimits Limits

// New makes a checker for a connection on which nothing was read. lim is only read.
func New(lim *Limits) *Checker { return &Checker{lim: lim} }

// Feed checks the next bytes of the connection. n is how many of them are
// acceptable: all, with reason [OK], or those before the one that is not. After
// a refusal every further call says the same about no bytes.
func (c *Checker) Feed(p []byte) (n int, why Reason) {
	if c.lim == nil {
		c.lim = &noLimits
	}
	i := 0
	for i < len(p) && why == OK {
		i, why = c.step(p, i)
	}
	if why == OK && c.inHead() && over(c.head+c.line, c.lim.Head) {
		i, why = max(0, i-(c.head+c.line-c.lim.Head)), HeadTooLong
	}
	if why != OK {
		c.broken = c.InBody() || c.broken
		c.state, c.reason = stRefused, why
	}
	return i, why
}

// grow lengthens the line and says by how many bytes it is over the limit now.
func (c *Checker) grow(n, limit int) (excess int) {
	c.line += n
	if !over(c.line, limit) {
		return 0
	}
	return min(c.line-limit, n)
}

func over(n, limit int) bool { return limit > 0 && n > limit }

// step reads what belongs to the present state, one byte at least, or refuses
// the byte at i.
func (c *Checker) step(p []byte, i int) (int, Reason) {
	switch c.state {
	case stField:
		return c.fieldStart(p, i)
	case stName:
		return c.name(p, i)
	case stValue:
		return c.value(p, i)
	case stStart, stStartLF:
		return c.start(p[i], i)
	case stMethod:
		return c.method(p, i)
	case stTarget:
		return c.target(p[i], i)
	case stPath:
		return c.path(p, i)
	case stScheme, stAuthority, stTargetEnd, stVersion, stLineCR:
		return c.lineByte(p[i], i)
	case stHost, stLength, stCoding:
		return c.valueByte(p[i], i)
	case stLineLF, stValueLF, stHeadLF, stChunkSizeLF, stChunkLF:
		return c.lf(p[i], i)
	case stBody, stChunk:
		return c.data(p, i)
	case stChunkSize:
		return c.chunkSize(p[i], i)
	case stExtension:
		return c.extension(p[i], i)
	case stChunkCR:
		if p[i] != '\r' {
			return i, BadChunkEnd
		}
		c.state = stChunkLF
		return i + 1, OK
	case stSwitch:
		return i, EarlyBytes
	case stForeign:
		return len(p), OK
	case stRefused:
		return i, c.reason
	}
	return i, BadRequestLine // no such state
}

// inHead says whether the next byte belongs to a head or to trailers.
func (c *Checker) inHead() bool {
	return c.state >= stMethod && c.state <= stHeadLF
}

// Between says whether the next byte is a request's first.
func (c *Checker) Between() bool { return c.state == stStart || c.state == stSwitch }

// InBody says whether a head is complete and its body is not.
func (c *Checker) InBody() bool {
	return c.state >= stBody && c.state <= stChunkLF || c.trailer && c.inHead()
}

// BrokenBody says whether the refused byte was in a body: the request whose body it
// is began well.
func (c *Checker) BrokenBody() bool { return c.broken }

// Body is the size of the body that is being read, as far as it is declared:
// Content-Length, or the chunks so far and the present one. Only with [Checker.InBody].
func (c *Checker) Body() int64 { return c.body }

// Requests counts the complete ones.
func (c *Checker) Requests() uint64 { return c.requests }

// Foreign says whether the connection speaks HTTP/2.
func (c *Checker) Foreign() bool { return c.state == stForeign }

// Proceed says that a request for another protocol was answered as an ordinary
// one: what follows is the next request.
func (c *Checker) Proceed() {
	if c.state == stSwitch {
		c.state = stStart
	}
}

// Variants says whether any request so far had Content_Length or
// Transfer_Encoding with an underscore: programs that turn dashes into
// underscores would mistake it for the real header.
func (c *Checker) Variants() bool { return c.variant }
